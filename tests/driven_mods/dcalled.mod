TITLE a DERIVATIVE called as a PROCEDURE takes a step; a LOCAL of the file hides an ASSIGNED
NEURON {
    SUFFIX dcalled
    NONSPECIFIC_CURRENT i
    RANGE g, factor, left
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) minf mtau (ms) factor left dt (ms) }
STATE { m n }
INITIAL {
    m = 0.3
    n = 0.7
    states()
    states()
    n = n*minf
}
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*(m + 0.1*n)*(v + 20)
}
LOCAL factor
DERIVATIVE states {
    rates(v)
    factor = dt*minf
    left = factor
    m' = (minf - m)/mtau
    n' = 0.1*m - 0.2*n
}
PROCEDURE rates(v (mV)) {
    minf = 1/(1 + exp(-(v + 40)/9))
    mtau = 1 + 4*exp(-(v/30)^2)
}
