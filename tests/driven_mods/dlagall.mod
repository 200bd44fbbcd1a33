: a file that is not thread-safe: v and a GLOBAL are one variable for all instances, and so is what they were; and LAG
: where an event arrives
NEURON {
    POINT_PROCESS dlagall
    NONSPECIFIC_CURRENT i
    RANGE late, sum, arrived, before
    GLOBAL all
}
PARAMETER { d = 3.3 (ms)  g = 1e-5 (uS) }
ASSIGNED { v (mV)  i (nA)  late (mV)  all  sum  arrived  before }
STATE { m }
INITIAL { m = 1  arrived = 0 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    LAG v BY d
    late = lag_v_d
    i = g*(v - late + m)
}
DERIVATIVE states {
    m' = (v - m)/5
    all = m
    LAG all BY d
    sum = lag_all_d
}
NET_RECEIVE (w) {
    m = m + w
    LAG arrived BY d
    before = lag_arrived_d
    arrived = arrived + 1
}
