TITLE BEFORE and AFTER blocks of every kind, in NEURON's order
NEURON {
    SUFFIX daround
    USEION ca READ cai, ica
    NONSPECIFIC_CURRENT i
    RANGE g, amp, trace, solved, before, after, steps, seen, peak, tpeak
}
PARAMETER { g = 1e-5 }
ASSIGNED { v i amp trace solved before after steps seen cai ica peak tpeak w }
STATE { m }
BEFORE INITIAL {
    before = v + 3
    m = 17
    steps = 0
}
INITIAL {
    seen = before
    m = 0.1
    after = 5
    peak = -100
}
AFTER INITIAL {
    after = after + m
    m = m + 0.02
}
BEFORE BREAKPOINT {
    amp = 1 + 0.5*tanh((t - 5)/3)
    w = v
}
BEFORE BREAKPOINT { amp = amp + cai + steps/1000 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*m*amp*(v + 54.3) + 1e-7*(w - v)
}
DERIVATIVE states { m' = (0.4 - m)/5 }
AFTER SOLVE {
    solved = m + ica + t
    m = m*0.9999
}
BEFORE STEP {
    steps = steps + 1
    trace = solved + v
    if (v > peak) {
        peak = v
        tpeak = t
    }
}
