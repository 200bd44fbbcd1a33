: An artificial cell that sets variables of other cells through POINTERs and an EXTERNAL, and reads one of them
NEURON {
    ARTIFICIAL_CELL Conductor
    RANGE every, beats, heard
    POINTER tempo, loud, answer
    EXTERNAL level_Player
}
PARAMETER { every = 3.1 (ms) }
ASSIGNED { tempo (ms) loud answer level_Player beats heard wait (ms) }
INITIAL {
    beats = 0
    heard = 0
    tempo = 1.9
    level_Player = 1
    wait = every
    net_send(wait, 1)
}
PROCEDURE raise(by) {
    loud = loud*by + 0.1*answer
    level_Player = level_Player + 0.25
}
NET_RECEIVE (w) {
    if (flag == 1) {
        beats = beats + 1
        heard = heard + answer
        tempo = 0.7 + 1/(1 + answer)
        raise(1.2)
        net_send(wait, 1)
    } else if (w > 0) {
        wait = wait + 0.013
        answer = answer + 0.5
    }
}
