TITLE elements of LOCAL arrays, at indices that are only known at run time
NEURON {
    SUFFIX dlocal
    NONSPECIFIC_CURRENT i
    RANGE g, k, total, last, first
}
PARAMETER { g = 1e-5 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) k total last first }
STATE { m }
INITIAL {
    k = 0
    m = 0.2
    fill(1.7)
}
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*(1 + total)*(v + 55)*m
}
DERIVATIVE states {
    fill(v/30 + 2)
    m' = (0.3 + 0.01*last - m)/(2 + first)
}
PROCEDURE fill(x) {
    LOCAL a[4], n, j
    k = k + 1
    if (k >= 4) { k = 0 }
    FROM n = 0 TO 3 { a[n] = n*0.1 }
    a[k] = x
    j = k + 0.7
    a[3 - j] = a[j] + 0.5
    total = 0
    while (j > 0) { total = total + a[j]*a[3 - k] j = j - 1 }
    first = a[0]
    last = a[k/2 + 1]
}
