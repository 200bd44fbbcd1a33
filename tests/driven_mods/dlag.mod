: variables as they were some time ago: a state, the voltage, the current of an ion, an array; in the SOLVEd block, in a
: PROCEDURE on one path only, and in BREAKPOINT, which is evaluated twice
NEURON {
    SUFFIX dlag
    USEION na READ ina
    NONSPECIFIC_CURRENT i
    RANGE late, before, was, many, seen, recent, d
}
PARAMETER { d = 3.3 (ms)  short = 0.01 (ms)  g = 1e-5 (S/cm2) }
CONSTANT { e = 2 (ms) }
ASSIGNED { v (mV)  i (mA/cm2)  ina (mA/cm2)  late (mV)  before  was (mA/cm2)  many  seen (mV)  recent  row[2] }
STATE { m  n }
INITIAL { m = 0.2  n = 0.1  row[0] = 1  row[1] = 2  remember() }
BREAKPOINT {
    SOLVE states METHOD cnexp
    LAG v BY d
    LAG ina BY e
    late = lag_v_d
    was = lag_ina_e
    i = g*(v - late)
}
DERIVATIVE states {
    m' = (0.01*v - m)/5
    n' = m - n
    row[0] = m
    row[1] = n
    LAG m BY short
    recent = lag_m_short
    remember()
}
PROCEDURE remember() {
    if (v > -70) {
        LAG m BY d
        before = lag_m_d
    }
    LAG row BY e
    many = lag_row_e[0] - 3*lag_row_e[1]
}
