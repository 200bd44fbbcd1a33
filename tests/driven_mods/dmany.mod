TITLE a linear scheme of so many states that it is not written out: a chain of gates, a leak, a branch
DEFINE N 18
NEURON {
    SUFFIX dmany
    NONSPECIFIC_CURRENT i
    RANGE g, c, o, b, a
}
PARAMETER { g = 1e-4 (S/cm2)  slow = 0.02 (/ms) }
ASSIGNED { v (mV)  i (mA/cm2)  a (/ms) }
STATE { c[N]  o  b }
INITIAL {
    c[0] = 0.7  c[5] = 0.2  o = 0.1
}
BREAKPOINT {
    SOLVE scheme METHOD sparse
    i = g*(o + 0.2*c[N - 1])*(v + 20)
}
KINETIC scheme {
    a = exp(v/40)
    FROM k = 0 TO N - 2 {
        ~ c[k] <-> c[k + 1] (3*a, (0.5 + k/20)/a)
    }
    ~ c[N - 1] <-> o (2*a, 0.1)
    ~ o <-> b (slow, 0.3*slow)
    ~ c[0] << (0.001)
    ~ b -> (0.01)
}
