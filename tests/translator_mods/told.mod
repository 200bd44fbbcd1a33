: a PROCEDURE that is SOLVEd, with dt in it, and variables of the file shared by all instances
NEURON { SUFFIX told NONSPECIFIC_CURRENT i RANGE gbar GLOBAL minf, mexp, scale }
INDEPENDENT { t FROM 0 TO 1 WITH 1 (ms) }
PARAMETER { gbar = 0.0004 dt (ms) celsius (degC) v (mV) scale = 1 }
STATE { m n }
ASSIGNED { i minf mexp }
LOCAL q, tadj
INITIAL { q = 3^((celsius - 6.3)/10) scale = 1 + q/10 rates(v) m = minf n = 0.2 }
BREAKPOINT { SOLVE states i = gbar*m*n*(v + 10) }
PROCEDURE states() {
    rates(v)
    m = m + mexp*(minf - m)
    n = n + dt*0.1*(m - n)
    VERBATIM
    return 0;
    ENDVERBATIM
}
PROCEDURE rates(v) { LOCAL tau
    tau = (1 + 3/(1 + exp((v + 40)/10)))/q/scale
    minf = 1/(1 + exp(-(v + 45)/8)) mexp = 1 - exp(-dt/tau)
}
