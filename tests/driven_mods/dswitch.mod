TITLE METHOD euler: an equation under a condition, a derivative in an expression, a call of the block
NEURON {
    SUFFIX dswitch
    NONSPECIFIC_CURRENT i
    RANGE g, seen, count
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) seen count }
STATE { u w }
INITIAL { u = 0.7 w = 0.2 count = 0 again() switched() u = u + 0.01*seen }
BREAKPOINT {
    SOLVE switched METHOD euler
    if (count < 300) { again() }
    i = g*(u + w + 1e-3*seen)*(v + 20)
}
DERIVATIVE switched {
    count = count + 1
    if (v > -60) { u' = (0.5 + v/100 - u)/5 }
    seen = 10*u'
    w' = 0.3*u' - w/20
}

PROCEDURE again() { if (v > -64) { switched() } }
