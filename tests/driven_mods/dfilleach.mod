TITLE a TABLE that is filled at a lookup, for each other value of a RANGE parameter
NEURON {
    SUFFIX dfilleach
    NONSPECIFIC_CURRENT i
    RANGE g, k, mtau
    GLOBAL counted
}
PARAMETER { g = 1e-4  k = 10 }
ASSIGNED { v i minf mtau counted }
STATE { m }
INITIAL {
    counted = 1
    rates(v)
    m = minf
}
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*m*(v + 54.3) + 1e-6*mtau
}
DERIVATIVE states {
    rates(v)
    m' = (minf - m)/3
}
PROCEDURE rates(v) {
    TABLE minf DEPEND k FROM -100 TO 100 WITH 73
    mtau = 3/(exp((v + 20)/k) + exp(-(v + 30)/20)) + v
    minf = 1/(1 + exp(-(v + 40)/k))
}
