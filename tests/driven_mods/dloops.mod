COMMENT
Equations in loops whose bounds are only known at run time: METHOD cnexp takes a step in every turn.
ENDCOMMENT
NEURON {
    SUFFIX dloops
    NONSPECIFIC_CURRENT i
    RANGE n, m, h
}
PARAMETER { tau = 9 (ms) }
ASSIGNED { v (mV) i (mA/cm2) n k }
STATE { m h }
INITIAL { n = 1  m = 0  h = 1 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = 1e-4*(m + h)*(v + 60)
}
DERIVATIVE states {
    LOCAL a
    n = (v > -75) + (v > -60) + (v > 0)
    FROM j = 1 TO n {
        a = j
        m' = (a*0.1 - m)/tau
    }
    k = 0
    WHILE (k < 3*m) {
        h' = (m - h)/tau
        k = k + 0.5
    }
}
