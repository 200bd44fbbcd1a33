: Events of one time from two NetCons, of which a third moves the one that was sent last.
NEURON { ARTIFICIAL_CELL Twice RANGE code }
ASSIGNED { code }
INITIAL { code = 0 }
NET_RECEIVE(w) {
    if (flag == 0) {
        if (w == 1) { net_send(5, 1) }
        if (w == 2) { net_send(4, 1) }
        if (w == 3) { net_move(t + 1) }
    } else {
        code = 10*code + w
    }
}
