TITLE NONLINEAR equations, in INITIAL and in BREAKPOINT, that count how often they are evaluated
NEURON {
    SUFFIX dmeet
    NONSPECIFIC_CURRENT i
    RANGE g, solves, z, w
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) solves }
STATE { z w q }
INITIAL {
    solves = 0 z = 1 w = 0.5 q = 0.2
    SOLVE meet
}
BREAKPOINT {
    SOLVE meet METHOD newton
    i = g*(z + w)*(v + 20)
}
NONLINEAR meet SOLVEFOR z, w {
    LOCAL cube
    solves = solves + 1
    cube = w*w*w
    ~ z*w + cube = 1.5 + 0.001*v
    ~ z - 2*w = 0.3*q
}
