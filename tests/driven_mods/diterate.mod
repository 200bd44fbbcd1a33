TITLE rate constants that follow the states, in a scheme that is not linear
NEURON {
    SUFFIX diterate
    NONSPECIFIC_CURRENT i
    RANGE g, outside
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) outside }
STATE { m n a[2] }
INITIAL { m = 0.5 n = 0.4 a[0] = 0.2 a[1] = 0.1 }
BREAKPOINT {
    SOLVE pair METHOD sparse
    i = g*(m + a[1])*(v + 20)
}
KINETIC pair {
    LOCAL k
    k = 0.5 + 2*n
    ~ 2 m <-> n (k, (0.3 + m*exp(v/90)))
    ~ a[0] + n <-> a[1] (0.2*a[1], 0.1)
    outside = m + a[0]
}
