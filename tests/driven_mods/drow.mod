: an array state whose start is the same for all instances
DEFINE N 3
NEURON {
    SUFFIX drow
    NONSPECIFIC_CURRENT i
    RANGE c
}
PARAMETER { g = 1e-4 (S/cm2) }
STATE { c[N] }
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT {
    SOLVE flow METHOD sparse
    i = g*c[2]*(v + 50)
}
INITIAL { FROM k = 0 TO N-1 { c[k] = 0.5 + k } }
KINETIC flow {
    ~ c[0] <-> c[1] (0.2, 0.1)
    ~ c[1] <-> c[2] (0.01*exp(v/40), 0.3)
}
