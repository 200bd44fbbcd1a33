TITLE NET_RECEIVE that sets the membrane potential
NEURON {
    POINT_PROCESS dreset
    NONSPECIFIC_CURRENT i
    RANGE thresh, back, shown, count, g
}
PARAMETER { thresh = -58 (mV) back = -71 (mV) rest = 1.3 (ms) jump = 40 }
ASSIGNED { v (mV) i (nA) g (uS) count shown (mV) }
INITIAL {
    g = 0
    count = 0
    shown = v
    net_send(0, 3)
}
BREAKPOINT { i = g*(v - back) }
NET_RECEIVE (w) {
    if (flag == 1) {
        count = count + 1
        v = back
        net_send(0, 3)
        if (g == 0) { net_send(rest, 2) }
        g = 0.005
    } else if (flag == 2) {
        g = 0
    } else if (flag == 3) {
        WATCH (v > thresh) 1
    } else {
        v = v + jump*w
        shown = v
    }
}
