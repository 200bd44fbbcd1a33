TITLE a TABLE that is filled anew where DEPEND finds another value, with what the filling instance has for the rest
: not thread-safe; tau takes part in what the next row finds
NEURON {
    SUFFIX dequal
    NONSPECIFIC_CURRENT i
    RANGE g, k, shift, hinf, htau
    GLOBAL count, mexp, minf, mtau
}
PARAMETER { g = 1e-4 (S/cm2)  k = 3  shift = 20.5 (mV) }
ASSIGNED { v (mV) i (mA/cm2) dt (ms) diam (um) minf mexp mtau (ms) hinf htau (ms) count }
STATE { m h }
INITIAL {
    count = 1
    rates(v)
    m = minf
    h = hinf
}
BREAKPOINT {
    SOLVE states
    i = g*m*h*(v + 54.3)
}
PROCEDURE states() {
    rates(v)
    m = m + mexp*(minf - m)
    h = h + 0.01*(hinf - h)/htau
}
PROCEDURE rates(v (mV)) {
    TABLE minf, mexp, hinf, htau, mtau DEPEND dt, k FROM -120 TO 100 WITH 110
    minf = 1/(1 + exp(-(v + shift)/(5 + k)))
    mexp = 1 - exp(-dt/mtau)
    mtau = 3 + 2/(exp((v + 20)/10) + exp(-(v + 30)/20))
    hinf = 1/(1 + exp((v + 60)/7))
    htau = 1 + diam/10
}
