: All weights of an instance shrink when one of them has grown, so that their sum is kept.
NEURON { POINT_PROCESS Share RANGE tau, e, i, g, sum, most NONSPECIFIC_CURRENT i }
PARAMETER { tau = 3 (ms) e = 0 (mV) }
ASSIGNED { v (mV) i (nA) sum most }
STATE { g (uS) }
INITIAL { g = 0 sum = 0 most = 0 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(weight (uS), count) {
    LOCAL before
    INITIAL { count = 1 }
    count = count + 1
    g = g + weight
    before = weight
    weight = weight*1.2
    sum = 0
    FOR_NETCONS(w, k) { sum = sum + w*k }
    FOR_NETCONS(w, k) {
        w = w*(1 - 0.1*(w/(sum + 1e-6)))
        k = k*0.95
        if (w > most) { most = w }
    }
    weight = weight + 0.01*before
}
