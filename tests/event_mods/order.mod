: Each event is received with the time since the last one, whoever sent it; the order within a step matters.
NEURON { POINT_PROCESS Order RANGE g, e, i, hash, last, n NONSPECIFIC_CURRENT i }
PARAMETER { e = 0 (mV) }
ASSIGNED { v (mV) i (nA) hash last n }
STATE { g (uS) }
INITIAL { g = 0 hash = 0 last = 0 n = 0 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/3 }
NET_RECEIVE(weight (uS), mine) {
    INITIAL { mine = 0 }
    hash = hash*0.9 + weight*1000 + (t - last)*0.01 + mine
    mine = mine*0.5 + 0.1
    last = t n = n + 1
    g = g + weight*(1 + hash*0.01)
}
