TITLE NET_RECEIVE that sets the membrane potential
NEURON {
    POINT_PROCESS dreset
    USEION ca READ cai
    NONSPECIFIC_CURRENT i
    RANGE thresh, back, shown, count, g, crossed
}
PARAMETER { thresh = -58 (mV) back = -71 (mV) rest = 1.3 (ms) jump = 40 }
ASSIGNED { v (mV) i (nA) g (uS) count shown (mV) cai (mM) crossed }
INITIAL {
    g = 0
    count = 0
    crossed = 0
    shown = v
    net_send(0, 3)
}
BREAKPOINT { i = g*(v - back) }
NET_RECEIVE (w) {
    if (flag == 1) {
        count = count + 1
        put(back)
        net_send(0, 3)
        if (g == 0) { net_send(rest, 2) }
        g = 0.005
    } else if (flag == 2) {
        g = 0
    } else if (flag == 3) {
        WATCH (v > thresh) 1
        WATCH (v*cai > -0.0066) 4
    } else if (flag == 4) {
        crossed = crossed + 1
    } else {
        v = v + jump*w
        shown = v
    }
}
PROCEDURE put(x) { v = x }
