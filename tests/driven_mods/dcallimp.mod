TITLE a DERIVATIVE that is SOLVEd by derivimplicit and called: the call evaluates the equations and advances nothing
NEURON {
    SUFFIX dcallimp
    NONSPECIFIC_CURRENT i
    RANGE g, left, m, n, early
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) minf mtau (ms) left early }
STATE { m n }
INITIAL {
    m = 0.3
    n = 0.7
    states()
    early = left + minf
    n = n*minf
}
BREAKPOINT {
    SOLVE states METHOD derivimplicit
    i = g*(m + 0.1*n + 0.01*left)*(v + 20)
    states()
}
DERIVATIVE states {
    rates(v)
    left = m*n*minf
    m' = (minf - m*m)/mtau
    n' = 0.1*m - 0.2*n*n
}
PROCEDURE rates(v (mV)) {
    minf = 1/(1 + exp(-(v + 40)/9))
    mtau = 1 + 4*exp(-(v/30)^2)
}
