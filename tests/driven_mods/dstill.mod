TITLE equations with a METHOD that is for CVODE only: evaluated once a step
NEURON {
    SUFFIX dstill
    NONSPECIFIC_CURRENT i
    RANGE g, count, kept
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) count kept }
STATE { m }
INITIAL { m = 0.4 count = 0 }
BREAKPOINT {
    SOLVE still METHOD cvode_t
    i = g*(m + 0.001*count)*(v + 20)
}
DERIVATIVE still {
    count = count + 1
    m' = v/100 - m
    kept = m'
}
