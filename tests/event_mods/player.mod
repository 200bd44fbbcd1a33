: An artificial cell whose pace and strength others may set
NEURON {
    ARTIFICIAL_CELL Player
    RANGE strength, pause, played, last
    GLOBAL tempo, level
}
PARAMETER { tempo = 5 (ms) level = 3 }
ASSIGNED { strength pause (ms) played last (ms) }
INITIAL {
    strength = 1.1
    pause = 1.2
    played = 0
    last = 0
    net_send(1e-3, 1)
}
NET_RECEIVE (w) {
    if (flag == 1) {
        played = played + strength
        last = t
        if (level < 2.9) { net_event(t) }
        net_send(tempo*(1 + 0.01*strength) + 0.0371*pause, 1)
    } else {
        pause = pause + w*level
    }
}
