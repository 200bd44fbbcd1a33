: a GHK channel, an impure FUNCTION, and its own name for v
NEURON { SUFFIX tcaghk USEION ca READ cai, cao WRITE ica RANGE pmax, calls }
UNITS { F = (faraday) (coulomb) R = (k-mole) (joule/degC) }
PARAMETER { pmax = 2e-5 }
STATE { m }
ASSIGNED { v cai cao ica celsius calls last }
INITIAL { calls = 0 last = 0 m = inf(v) }
BREAKPOINT { SOLVE s METHOD cnexp ica = pmax*m*m*ghk(v, cai, cao) }
DERIVATIVE s { LOCAL target target = inf(v) + 0*inf(last) m' = (target - m)/1.5 }
FUNCTION inf(u) { calls = calls + 1 last = u inf = 1/(1 + exp(-(u + 30)/6)) }
FUNCTION ghk(v, ci, co) { LOCAL z, eci, eco
    z = (1e-3)*2*F*v/(R*(celsius + 273.15))
    eco = co*efun(z) eci = ci*efun(-z)
    ghk = (.001)*2*F*(eci - eco)
}
FUNCTION efun(z) { if (fabs(z) < 1e-4) { efun = 1 - z/2 } else { efun = z/(exp(z) - 1) } }
