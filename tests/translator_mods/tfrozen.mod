: a rate constant that depends on a state: NEURON takes it from the start of the step
NEURON { SUFFIX tfrozen NONSPECIFIC_CURRENT i RANGE gbar }
PARAMETER { gbar = 0.0006 }
STATE { p0 p1 c o bound }
ASSIGNED { v i alpha k3 }
INITIAL { p0 = 0.9 p1 = 0.1 c = 0.7 o = 0.3 bound = 0 }
BREAKPOINT { SOLVE s METHOD sparse i = gbar*(o + 2*bound)*(v + 20) }
KINETIC s {
    rates(v)
    ~ c <-> o (alpha, 0.2)
    ~ p0 <-> p1 (0.3*o, 0.1)
    ~ o <-> bound (k3, 0.05)
    CONSERVE p0 + p1 = 1
    CONSERVE c + o + bound = 1
}
PROCEDURE rates(v) { alpha = 0.3/(1 + exp(-(v + 60)/10)) k3 = 2*p1^2 }
