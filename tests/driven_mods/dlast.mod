: GLOBALs that one block leaves for the next, where NEURON has one value for all instances: that of the last
NEURON {
    SUFFIX dlast
    NONSPECIFIC_CURRENT i
    RANGE m, seen, g
    GLOBAL minf, mtau
}
PARAMETER { g = 1e-4 (S/cm2) }
STATE { m }
ASSIGNED { v (mV) i (mA/cm2) minf mtau (ms) seen }
LOCAL kept
BREAKPOINT {
    SOLVE gate METHOD cnexp
    seen = minf + kept
    i = g*m*(v + 20)
}
INITIAL { m = 0.3 + minf }
DERIVATIVE gate {
    rates(v)
    m' = (minf - m)/mtau
}
PROCEDURE rates(v (mV)) {
    minf = 1/(1 + exp(-(v + 30)/8))
    mtau = 2 + minf
    kept = v/100
}
