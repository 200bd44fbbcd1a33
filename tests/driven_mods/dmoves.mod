COMMENT
Point processes that move the time on, and see by how much those before them have.
ENDCOMMENT
NEURON {
    POINT_PROCESS dmoves
    RANGE when, late, n
}
ASSIGNED { when (ms) late (ms) n }
INITIAL { when = 0  late = 0  n = 0 }
BREAKPOINT {
    SOLVE count
    late = late + 0.01*t
}
DISCRETE count {
    if (t > 3) { n = n + 1 }
    when = t
}
