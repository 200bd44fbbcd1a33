TITLE METHOD runge: how often and when equations are evaluated
NEURON {
    SUFFIX dstages
    NONSPECIFIC_CURRENT i
    RANGE g, runs, when
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) runs when }
STATE { m n }
INITIAL { m = 0.3 n = 0.2 runs = 0 }
BREAKPOINT {
    SOLVE four METHOD runge
    i = g*(m + n)*(v + 20)
}
DERIVATIVE four {
    runs = runs + 1
    when = t
    m' = (wave(t) - m)/rate(v)
    n' = 0.05*m*(1 - n) - 0.02*n + 0.001*ripple()
}
FUNCTION wave(s) { wave = 0.5 + 0.4*sin(s) }
FUNCTION ripple() { ripple = inner(2) }
FUNCTION inner(k) { inner = cos(k*t) }
FUNCTION rate(v (mV)) (ms) { rate = 2 + 1/(1 + exp(-v/20)) }
