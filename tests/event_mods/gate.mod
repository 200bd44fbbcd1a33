: Two stable states, switched by thresholds that are watched: only one of the two conditions is on at a time.
NEURON { POINT_PROCESS Gate RANGE high, low, ga, gb, up, x, n, i, seen NONSPECIFIC_CURRENT i }
PARAMETER { high = -40 (mV) low = -58 (mV) ga = 2e-4 (uS) gb = 2e-3 (uS) }
ASSIGNED { v (mV) i (nA) up n seen }
STATE { x }
INITIAL { x = 0 up = 0 n = 0 seen = 0 net_send(0, 1) }
BREAKPOINT { SOLVE state METHOD cnexp i = (ga + gb*x)*(v + 75) }
DERIVATIVE state { x' = (up - x)/3 }
NET_RECEIVE(w) {
    if (flag == 1) {
        WATCH (v > high) 2
        WATCH (x > 0.6 + n*1e-6) 4
    } else if (flag == 2) {
        up = 1 n = n + 1 seen = t
        WATCH (v < low) 3
        WATCH (x > 0.5) 4
    } else if (flag == 3) {
        up = 0 n = n + 100
        net_send(0.5, 1)
    } else if (flag == 4) {
        n = n + 10000
    } else {
        x = x + w w = fabs(w)
    }
}
