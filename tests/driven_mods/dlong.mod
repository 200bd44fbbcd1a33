TITLE a long array, shifted and summed at every step by loops of many turns
NEURON {
    SUFFIX dlong
    NONSPECIFIC_CURRENT i
    RANGE g, past, sum, n
}
DEFINE LENGTH 150
PARAMETER { g = 1e-5 (S/cm2)  tau = 30 }
ASSIGNED { v (mV) i (mA/cm2) past[LENGTH] sum n }
INITIAL {
    FROM k = 0 TO LENGTH - 1 { past[k] = 0.01*v + 0.001*k }
}
BREAKPOINT {
    SOLVE remember
    i = g*(v + 60)*(1 + 0.1*sum) + g*past[LENGTH - 1]
}
PROCEDURE remember() {
    LOCAL k
    k = LENGTH - 1
    WHILE (k > 0) {
        past[k] = past[k - 1]
        k = k - 1
    }
    past[0] = 0.01*v
    sum = 0
    n = 0
    FROM j = 0 TO LENGTH - 1 {
        if (past[j] > past[0]) {
            sum = sum + past[j]*exp(-j/tau)
            past[j] = past[j]*0.999
        } else {
            if (j > 20) {
                sum = sum - 0.001*j
                n = n + 1
            }
            past[j] = past[j] + 1e-4
        }
        sum = sum*0.99
    }
}
