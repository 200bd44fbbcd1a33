: Each event sets the potential of the segment.
NEURON { POINT_PROCESS Kick RANGE n }
ASSIGNED { v n }
INITIAL { n = 0 }
NET_RECEIVE(w) { v = v + w n = n + 1 }
