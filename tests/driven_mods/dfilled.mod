TITLE variables that are assigned only while a TABLE is filled, and 0/0 in a row, in a thread-safe file
NEURON {
    SUFFIX dfilled
    NONSPECIFIC_CURRENT i
    RANGE gbar, g, tadj, mtau, last, arr, seen
}
UNITS { (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) }
PARAMETER { gbar = 1e-4 (S/cm2)  q10 = 2.3 }
ASSIGNED { v (mV) i (mA/cm2) g celsius (degC) minf mtau (ms) tadj last arr[2] seen }
STATE { m }
INITIAL {
    seen = tadj
    rates(v)
    m = minf
}
BREAKPOINT {
    SOLVE states METHOD cnexp
    g = (1 + tadj)*gbar*m
    i = g*(v + 54.3)*bent(fabs(v) + 10) + 1e-6*last*v
}
DERIVATIVE states {
    rates(v)
    m' = (minf - m)/(2 + mtau/10)
}
PROCEDURE rates(v (mV)) {
    TABLE minf DEPEND celsius, q10 FROM -100 TO 100 WITH 73
    tadj = q10^((celsius - 22)/10)
    mtau = 3/tadj + 2/(exp((v + 20)/10) + exp(-(v + 30)/20))
    minf = 1/(1 + exp(-(v + 40)/10)) + 1e-3*last
    last = 0.3*last + v/100
    arr[1] = v
}
FUNCTION bent(x) {
    TABLE DEPEND q10 FROM 0 TO 200 WITH 50
    bent = 0.1*(x/q10)/(1 - exp(-x/q10))
}
