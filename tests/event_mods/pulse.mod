: A pulse of transmitter of fixed length: flag 1 ends it, a spike during a pulse moves its end (net_move).
NEURON { POINT_PROCESS Pulse RANGE tau, e, i, g, on, ends, last, dur NONSPECIFIC_CURRENT i }
PARAMETER { tau = 4 (ms) e = 0 (mV) dur = 2.3 (ms) }
ASSIGNED { v (mV) i (nA) on ends last target }
STATE { g (uS) }
INITIAL { g = 0 on = 0 ends = 0 last = -1 target = 0 net_send(3, 7) }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = (target - g)/tau }
NET_RECEIVE(weight (uS), count) {
    INITIAL { count = 1 net_send(6 + 0.37*dur, 5) }
    if (flag == 0) {
        count = count + 1
        last = t
        if (on) { net_move(t + dur) } else { on = 1 net_send(dur, 1) }
        target = target + weight/(1 + target*100)
    } else if (flag == 1) {
        on = 0 target = 0 ends = ends + t
    } else if (flag == 5) {
        g = g + weight*count
        net_send(0.7, 6) net_send(0.2, 6) net_send(0.2 + 0.001, 8)
    } else if (flag == 6) {
        g = g*1.1 + 1e-5*t
    } else {
        g = 0.5*g + 2e-4
    }
}
