: Events of the instance to itself at one time: alike or not, sent before that time or at it. A flag of 3 does nothing.
NEURON { POINT_PROCESS Tie RANGE code, aside, alike }
PARAMETER { aside = 7 (ms) alike = 0 }
ASSIGNED { code }
INITIAL {
    code = 0
    net_send(0, 8) net_send(0, 9) net_send(5, 1)
    if (alike == 0) { net_send(5, 2) } else { net_send(5, 1) }
}
NET_RECEIVE(w) {
    if (flag == 0) {
        code = 2*code + 10*w
    } else if (flag != 3) {
        code = 2*code + flag
        if (flag == 9) { net_send(aside, 3) }
        if (flag == 1 && alike) { net_send(0, 4) net_send(0, 5) }
    }
}
