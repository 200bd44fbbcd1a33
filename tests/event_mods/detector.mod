: Sends when the voltage crosses its own threshold, and an echo later.
NEURON { POINT_PROCESS Detector RANGE thr, n, last }
PARAMETER { thr = -20 (mV) }
ASSIGNED { v (mV) n last }
INITIAL { n = 0 last = -1 net_send(0, 1) }
NET_RECEIVE(w) {
    if (flag == 1) {
        WATCH (v > thr) 2
        WATCH (v < thr - 30) 3
    } else if (flag == 2) {
        n = n + 1 last = t
        net_event(t)
        net_send(0.31, 4)
    } else if (flag == 4) {
        net_event(t)
    } else if (flag == 0) {
        n = n + w
        net_event(t)
    }
}
