: tables of the instances in NET_RECEIVE
NEURON {
    POINT_PROCESS dtableevent
    NONSPECIFIC_CURRENT i
    RANGE g, mg
    GLOBAL block
}
PARAMETER { mg = 1.3 (mM) }
STATE { g (uS) }
ASSIGNED { v (mV) i (nA) block }
INITIAL { g = 0 }
BREAKPOINT {
    SOLVE decay METHOD cnexp
    rate(v)
    i = g*block*v
}
DERIVATIVE decay { g' = -g/8 }
PROCEDURE rate(v (mV)) {
    TABLE block DEPEND mg FROM -140 TO 80 WITH 220
    block = 1/(1 + exp(-0.062*v)*mg/3.57)
}
NET_RECEIVE (w (uS)) {
    rate(v)
    g = g + w*(1 + block)
}
