TITLE the functions of NEURON's src/scopmath that a mod file can call
NEURON {
    SUFFIX dbuiltin
    NONSPECIFIC_CURRENT i
    RANGE g, p, bell, jumps, stairs, once, often, slope, square, saw, back, wave, up, down, half, rest, whole, chance
    RANGE over, under
}
PARAMETER { g = 1e-5 (S/cm2) p = 2 }
ASSIGNED {
    v (mV) i (mA/cm2)
    bell jumps stairs once often slope square saw back wave up down half rest whole chance over under
}
BREAKPOINT {
    bell = gauss(v, -50, p + 20)
    jumps = step(t, 3.01, p)
    stairs = perstep(t, 1.01, 7.3, p)
    once = pulse(t, 6.01, p, 12)
    often = perpulse(t, 5.01, p, 3.3, 2.4)
    slope = ramp(t, 4.01, 3*p, 17)
    square = squarewave(t + 0.013, 3.1, p)
    saw = sawtooth(t + 0.013, 4.7, p)
    back = revsawtooth(t + 0.013, 5.9, p)
    wave = harmonic(t, 9, p, 0.3)
    up = sigmoid(v + 120, p, 60, 3)
    down = revsigmoid(v + 120, p, 60, 3)
    half = hyperbol(v + 120, p, 40)
    rest = revhyperbol(v + 120, p, 40)
    whole = factorial(t/2 + 0.01) + factorial(-0.6)
    chance = poisson(floor(t/2 + 0.01), p + 5)
    over = threshold(v, -60, "min")
    under = threshold(v, -60, "max")
    i = g*(1 + once + often + bell)*(v + 50 + slope - up)
}
