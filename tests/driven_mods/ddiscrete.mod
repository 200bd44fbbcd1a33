COMMENT
DISCRETE moves the time of the whole simulation on by dt for each instance, and keeps earlier values for all of them
together.
ENDCOMMENT
NEURON {
    SUFFIX ddiscrete
    NONSPECIFIC_CURRENT i
    RANGE x, z, seen, found, g, past
}
PARAMETER { g = 1e-4 (S/cm2)  rate = 0.02 }
ASSIGNED { v (mV) i (mA/cm2) seen (ms) found past }
STATE { x START 0.4  z[2] START 0.1  never START 0.3 }
INITIAL {
    x = 0.5 + v/1000
    z[0] = 0  z[1] = 1
    past = x@2 + z@1[1]
}
BREAKPOINT {
    SOLVE update
    i = g*(1 + x@1)*(v + 60 + 10*z[1])
}
DISCRETE update {
    LOCAL k
    x = x@1*(1 - rate) + 0.01*x@3 + 1e-4*(v + 60)
    FROM k = 0 TO 1 {
        z[k] = 0.9*z@2[k] + 0.05*x@2
    }
    found = x@2 + never@1
    seen = t
}
