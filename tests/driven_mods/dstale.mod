TITLE ion variables that events see as the last block has left them, and that BEFORE and AFTER assign in vain
NEURON {
    POINT_PROCESS dstale
    USEION ca READ cai, eca WRITE ica
    USEION na READ nai, ina WRITE nai
    USEION k READ ko
    RANGE g, seen, count, own, direct, kept, volt
}
PARAMETER { g = 1e-4 (uS) }
ASSIGNED { v (mV) cai (mM) eca (mV) ica (nA) nai (mM) ina (mA/cm2) ko (mM) seen count own direct kept volt }
STATE { m }
INITIAL { m = 0.1 seen = 0 count = 0 kept = 0 own = 0 direct = 0 volt = 0 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = g*m*(v - eca)
}
DERIVATIVE states {
    m' = (0.5 - m)/4
    nai = nai + 1e-3*m - 1e-2*ina
}
AFTER SOLVE { ko = ko + 0.1 kept = kept + ko nai = nai + 5 }
NET_RECEIVE (w, k) {
    INITIAL { k = 0.1 note() }
    note()
    direct = direct + w*ko
    m = m + 0.1*k*seen
}
PROCEDURE note() {
    count = count + 1
    seen = cai*1e3 + eca/100 + nai
    nai = nai + 0.5
    own = own + ko
    v = v + 0.2
    volt = volt + v
}
