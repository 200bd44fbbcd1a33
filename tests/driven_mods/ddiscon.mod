TITLE conductances that BREAKPOINT itself makes jump, at times of a train, in the first evaluation of a step only
NEURON {
    SUFFIX ddiscon
    NONSPECIFIC_CURRENT i
    RANGE weight, e, first, gap, number, seen, jumps, evaluations
}
UNITS { (S) = (siemens) }
PARAMETER { weight = 1e-4 (S/cm2) e = 0 (mV) first = 0 (ms) gap = 2.5125 (ms) number = 7 }
ASSIGNED { v (mV) i (mA/cm2) seen[2] jumps evaluations }
STATE { g (S/cm2) h (S/cm2) }
INITIAL { g = weight/10 h = 0 jumps = 0 evaluations = 0 seen[0] = 0 seen[1] = 0 }
BREAKPOINT {
    LOCAL k
    SOLVE decay METHOD cnexp
    evaluations = evaluations + 1
    FROM k = 0 TO number - 1 {
        if (at_time(first + k*gap)) {
            state_discontinuity(g, g + weight)
            state_discontinuity(h, h + weight*(1 - v/100))
            state_discontinuity(jumps, jumps + 1)
        }
    }
    if (v > -62) { state_discontinuity(seen[1], seen[1] + evaluations) }
    i = (g + 0.5*h)*(v - e)
}
DERIVATIVE decay { g' = -g/4 h' = -h/9 }
