: Loops that send as many events as is only known at run time: a burst after each spike, and events to others
NEURON { POINT_PROCESS Burst RANGE n, gap, tau, e, i, seen, early, bursts NONSPECIFIC_CURRENT i }
PARAMETER { n = 4  gap = 0.31 (ms)  tau = 2 (ms)  e = 0 (mV) }
ASSIGNED { v (mV)  i (nA)  seen  early  bursts }
STATE { g (uS) }
INITIAL {
    LOCAL k
    g = 0  seen = 0  early = 0  bursts = 0  k = 0
    while (k < n) { net_send(1 + 0.2*k, 3) k = k + 2 }
}
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE (weight (uS)) {
    LOCAL k
    if (flag == 0) {
        bursts = bursts + 1
        FROM j = 1 TO n + bursts { net_send(gap*j + 0.001*j*j, 2) g = g + 1e-5*j }
    } else if (flag == 2) {
        seen = seen + t
        g = g + 2e-4
        k = 0
        while (k < fmod(floor(seen), 3)) { net_event(t) k = k + 1 }
    } else {
        early = early + t
    }
}
