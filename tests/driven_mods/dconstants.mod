TITLE rate constants that follow the states, in a linear scheme of an array
NEURON {
    SUFFIX dconstants
    NONSPECIFIC_CURRENT i
    RANGE g, outside
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) outside }
STATE { a[3] b }
INITIAL { FROM k = 0 TO 2 { a[k] = 0.2 + 0.1*k } b = 0.3 }
BREAKPOINT {
    SOLVE chain METHOD sparse
    i = g*(a[1] + b)*(v + 20)
}
KINETIC chain {
    LOCAL k
    k = 0.1 + 0.3*a[2]
    ~ a[0] << (0.02*(0.5 - a[0])*(1 + b))
    FROM j = 0 TO 1 {
        ~ a[j] <-> a[j+1] (k, 0.2*a[0])
    }
    ~ a[2] <-> b (0.1*exp(v/80), (0.2 + 0.1*b))
    outside = a[1] + b
}
