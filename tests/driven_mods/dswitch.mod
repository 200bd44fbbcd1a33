TITLE METHOD euler: an equation under a condition, and a derivative in an expression
NEURON {
    SUFFIX dswitch
    NONSPECIFIC_CURRENT i
    RANGE g, seen
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) seen }
STATE { u w }
INITIAL { u = 0.7 w = 0.2 }
BREAKPOINT {
    SOLVE switched METHOD euler
    i = g*(u + w)*(v + 20)
}
DERIVATIVE switched {
    if (v > -60) { u' = (0.5 + v/100 - u)/5 }
    seen = 10*u'
    w' = 0.3*u' - w/20
}
