TITLE a TABLE that no block looks up, and one that is looked up in the state update only, in a thread-safe file
NEURON {
    SUFFIX dunused
    NONSPECIFIC_CURRENT i
    RANGE g, up, down, minf, mtau, seen
    GLOBAL scale
}
PARAMETER { g = 1e-4 (S/cm2)  scale = 1.5 }
ASSIGNED { v (mV) i (mA/cm2) up down minf mtau (ms) hidden seen }
STATE { m }
INITIAL { seen = hidden  m = 0.2 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*(m + 0.1*minf)*(v + 20)
}
DERIVATIVE states {
    rates(v)
    m' = (minf - m)/mtau
}
PROCEDURE rates(v (mV)) {
    TABLE minf, mtau FROM -100 TO 60 WITH 80
    minf = 1/(1 + exp(-(v + 40)/10))
    mtau = 2 + 1/(exp((v + 20)/10) + exp(-(v + 30)/20))
}
PROCEDURE wave(x) {
    TABLE up, down DEPEND scale FROM -4 TO 6 WITH 80
    up = sin(scale*x) + 2
    down = up*cos(x)
    hidden = 0.5*hidden + x
}
FUNCTION idle(x) {
    TABLE FROM 0 TO 1 WITH 10
    idle = x*x
}
