: Every event is answered long after the next ones have come.
NEURON { POINT_PROCESS Late RANGE g, i, n NONSPECIFIC_CURRENT i }
ASSIGNED { v (mV) i (nA) n }
STATE { g (uS) }
INITIAL { g = 0 n = 0 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*v }
DERIVATIVE state { g' = -g/3 }
NET_RECEIVE(weight (uS)) {
    if (flag == 0) { net_send(9, 1 + n) n = n + 1 } else { g = g + 1e-4*flag }
}
