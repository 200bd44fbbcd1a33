COMMENT
BEFORE INITIAL finds the ion as it is before finitialize makes it anew: with the reversal potential that the run before,
or whoever made the section, has left. What it assigns to cai, which is only READ, is its own.
ENDCOMMENT
NEURON {
    SUFFIX dbefore
    USEION ca READ cai, cao, eca WRITE ica
    RANGE found, ratio, m, g
}
PARAMETER { g = 1e-5 (S/cm2) }
ASSIGNED { v (mV) cai (mM) cao (mM) eca (mV) ica (mA/cm2) found (mV) ratio }
STATE { m }
BEFORE INITIAL {
    found = eca
    cai = 2*cai
    seek()
}
INITIAL { m = found/200 + cai }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = g*m*(v - eca)
}
DERIVATIVE states { m' = (ratio + 100*cai - m)/10 }
PROCEDURE seek() { ratio = log(cao/cai)/10 }
