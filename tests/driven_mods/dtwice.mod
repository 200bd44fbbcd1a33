TITLE a channel with BEFORE and AFTER blocks, which add its current to that of the ion once more
NEURON {
    SUFFIX dtwice
    USEION na READ ena WRITE ina
    USEION ca READ ica, cai WRITE cai
    RANGE g, mean, stepped, kept
}
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) ena (mV) ina (mA/cm2) ica (mA/cm2) cai (mM) mean stepped kept }
INITIAL { mean = v stepped = 0 kept = 0 }
BREAKPOINT {
    ina = g*(v - ena)
    cai = 2e-4 - 1e-3*ica + 1e-6*mean
}
BEFORE BREAKPOINT { kept = ina + ena }
AFTER SOLVE { mean = 0.9*mean + 0.1*v }
BEFORE STEP { stepped = cai + ina cai = cai*1.01 }
