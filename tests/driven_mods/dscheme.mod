TITLE KINETIC with METHOD euler and runge: CONSERVE has no part in it
NEURON {
    SUFFIX dscheme
    NONSPECIFIC_CURRENT i
    RANGE g, steps
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) steps }
STATE { c o p q }
INITIAL { c = 0.9 o = 0.1 p = 0.5 q = 0.4 steps = 0 }
BREAKPOINT {
    SOLVE scheme METHOD euler
    SOLVE scheme2 METHOD runge
    i = g*(0.1*o + 0.2*p)*(v + 20)
}
KINETIC scheme {
    COMPARTMENT 2 { c }
    steps = steps + 1
    ~ 2 c <-> o (0.3, 0.02*exp(v/60))
    ~ o -> (0.01)
    CONSERVE c + o = 1
}
KINETIC scheme2 {
    ~ p <-> q (0.2*(1 + t/50), 0.1)
    ~ q -> (0.02)
}
