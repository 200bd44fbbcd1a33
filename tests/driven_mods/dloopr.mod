COMMENT
Equations in loops, METHOD runge: the last evaluation counts; where there is none, that of the stage before does.
ENDCOMMENT
NEURON {
    SUFFIX dloopr
    RANGE n, m, h
}
PARAMETER { tau = 9 (ms) }
ASSIGNED { v (mV) n k }
STATE { m h }
INITIAL { n = 1  m = 0.1  h = 1 }
BREAKPOINT { SOLVE states METHOD runge }
DERIVATIVE states {
    LOCAL a
    n = (v > -75) + (v > -60) + (v > 0)
    FROM j = 1 TO n {
        a = j
        m' = (a*(1 + 0.1*sin(t)) - m*m)/tau
    }
    k = 0
    WHILE (k < 3*m) {
        h' = (m - h)/tau
        k = k + 0.5
    }
}
