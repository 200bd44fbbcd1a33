TITLE equations that use what their last evaluation left: the order of Newton's evaluations is part of the result
NEURON {
    SUFFIX dorder
    NONSPECIFIC_CURRENT i
    RANGE g, count, tau, left, seen
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) count tau (ms) left (ms) seen on dt (ms) }
STATE { a b d z }
INITIAL {
    count = 0 tau = 9 left = 1 on = 0
    a = 0.2 b = 0.1 d = 0.9 z = 1
}
BREAKPOINT {
    SOLVE states METHOD derivimplicit
    i = g*(a + b + 0.1*z)*(v + 20)
}
DERIVATIVE states {
    release()
    a' = 0.004*on*(1 - a) - (a - 0.2)/tau
    b' = 0.3*d' + a*(1 - b) - b/4
    d' = (0.5 - d)/7
    if (v > -60) { z' = -z/9 + 0.02*d }
    seen = z'
}
PROCEDURE release() {
    count = count + 1
    left = left - dt
    if (left < -1) { on = 0.8  left = 0.6 } else if (left < 0) { on = 0 }
    if (tau > 6 + 0.02*v) { tau = 0.999*(6 + 0.02*v) }
}
