: sees its own share of the calcium current, not the ion's total, in BREAKPOINT and in the solved block
NEURON {
    SUFFIX dshare
    USEION ca READ eca WRITE ica
    RANGE seen, before, m, g
}
PARAMETER { g = 1e-4 (mho/cm2) }
STATE { m }
ASSIGNED { v (mV) ica (mA/cm2) eca (mV) seen before }
BREAKPOINT {
    before = ica
    SOLVE follow METHOD cnexp
    ica = g*m*(v - eca)
}
INITIAL { m = 0.1  seen = 0  before = 0 }
DERIVATIVE follow {
    seen = ica
    m' = (-ica*10 - m)/5
}
