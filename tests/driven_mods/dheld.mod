TITLE METHOD sparse that does not converge, as a state is held at 0: equations that use what was left before
NEURON {
    SUFFIX dheld
    NONSPECIFIC_CURRENT i
    RANGE g, seen, now
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) seen now }
STATE { a b c }
INITIAL {
    a = 0.01 b = 1 c = 0.2
    seen = b
}
BREAKPOINT {
    SOLVE sink METHOD sparse
    i = g*(b + c)*(v + 20)
}
KINETIC sink {
    now = a + seen
    ~ 2 b <-> a (0.001, 0.001)
    ~ a << (0.002*(v + 40))
    ~ b << (0.1*(1 - seen)*exp(v/50) + 0.0002*v)
    ~ c << (0.05*(now - c))
    seen = 0.8*seen + 0.2*b
}
