TITLE METHOD sparse, linear, of equations that use what their last evaluation left
NEURON {
    SUFFIX dlate
    NONSPECIFIC_CURRENT i
    RANGE g, seen, pull
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) seen pull }
STATE { p q r }
INITIAL {
    p = 0.6 q = 0.3 r = 0.1
    seen = 2*(p + r)
    pull = q
}
BREAKPOINT {
    SOLVE wait METHOD sparse
    i = g*(p + 0.3*q)*(v + 20)
}
KINETIC wait {
    ~ p <-> q ((0.3*seen + 0.1*exp(v/50)), 0.2*q)
    ~ q <-> r (0.3*pull, 0.05)
    CONSERVE p + q + r = 1
    seen = 0.5*seen + p + r
    pull = q
}
