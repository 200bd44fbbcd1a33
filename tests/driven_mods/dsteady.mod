TITLE STEADYSTATE of KINETIC schemes whose rate constants follow the states: one linear, one not
NEURON {
    SUFFIX dsteady
    NONSPECIFIC_CURRENT i
    RANGE g, gain, help
}
PARAMETER { g = 1e-4 (S/cm2)  gain = 1.5  help = 0.3 }
ASSIGNED { v (mV) i (mA/cm2) up }
STATE { c o x d }
INITIAL {
    c = 0.9  o = 0.1  x = 0.8  d = 0.1
    SOLVE gate STEADYSTATE sparse
    SOLVE pair STEADYSTATE sparse
}
BREAKPOINT {
    SOLVE pair METHOD sparse
    i = g*(o + 0.1*d)*(v + 50)
}
KINETIC gate {
    up = exp(v/30)*(1 + gain*o)
    ~ c <-> o (up, 0.4)
    CONSERVE c + o = 1
}
KINETIC pair {
    ~ x + x <-> d (help*(1 + d), 0.5)
    CONSERVE x + 2 d = 1
}
