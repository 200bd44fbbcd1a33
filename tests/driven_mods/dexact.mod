TITLE what a TABLE does not hold, read where usetable is 0
NEURON {
    SUFFIX dexact
    NONSPECIFIC_CURRENT i
    RANGE g, half
    GLOBAL inf, tau, mult, add
}
PARAMETER { g = 1e-4 (S/cm2) half = 40 (mV) }
ASSIGNED { v (mV) i (mA/cm2) inf[2] tau[2] mult[2] add[2] dt (ms) }
STATE { m h }
INITIAL {
    look(v)
    if (usetable == 0) {
        m = inf[0]
        h = inf[1]
    } else {
        m = add[0]/(1 - mult[0])
        h = add[1]/(1 - mult[1])
    }
}
BREAKPOINT {
    SOLVE advancing
    i = g*m*h*(v + 20)
}
PROCEDURE advancing() {
    look(v*1(/mV))
    m = m*mult[0] + add[0]
    h = h*mult[1] + add[1]
    VERBATIM
    return 0;
    ENDVERBATIM
}
PROCEDURE look(v) {
    TABLE add, mult DEPEND dt, half FROM -100 TO 60 WITH 160
    FROM k = 0 TO 1 {
        inf[k] = 1/(1 + exp((2*k - 1)*(v + half + 20*k)/9))
        VERBATIM
        if ((tau[_lk] = 1 + 4*exp(-_lv*_lv/900)) < 2) { tau[_lk] = 2; }
        ENDVERBATIM
        mult[k] = exp(-dt/tau[k])
        add[k] = inf[k]*(1 - mult[k])
    }
}
