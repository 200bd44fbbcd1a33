: an ion variable that is only READ and assigned, at_time() in a condition, a PROCEDURE in an expression, a shared count
NEURON { SUFFIX tmisc USEION ca READ cai NONSPECIFIC_CURRENT i RANGE gbar, floor_, hits, nothing GLOBAL steps }
PARAMETER { gbar = 0.0004 }
STATE { m }
ASSIGNED { v cai i floor_ hits nothing steps }
INITIAL { if (cai < 2e-3) { cai = 2e-3 } m = cai/(cai + 1e-3) hits = 0 steps = 0 }
BREAKPOINT { SOLVE s METHOD cnexp if (cai < 1e-3) { cai = 1e-3 } floor_ = cai i = gbar*m*cai*1000*(v + 10) }
DERIVATIVE s {
    steps = steps + 1
    if (at_time(5) || at_time(7.0125)) { hits = hits + 1 }
    nothing = 3 + side(v)
    m' = (cai/(cai + 1e-3) - m)/5
}
PROCEDURE side(v) { nothing = v }
