TITLE gates with functions, if/else, shadowed LOCALs and a q10
NEURON {
    SUFFIX tgate
    USEION k READ ek WRITE ik
    RANGE gbar, vshift, minf, mtau
    GLOBAL q10
}
UNITS { (mV) = (millivolt) (S) = (siemens) }
PARAMETER { gbar = 0.0123456789 (S/cm2) <0, 1> vshift = -3.5 (mV) q10 = 2.3 h0 = 0.25 }
STATE { m h FROM 0 TO 1 s START 0.75 }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) celsius (degC) minf mtau (ms) hinf htau (ms) tadj }
INITIAL { tadj = q10^((celsius - 22)/10) rates(v) m = minf }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*m^3*h*(0.5 + s)*(v - ek)
}
DERIVATIVE states {
    rates(v)
    m' = (minf - m)/mtau
    h' = alpha(v)*(1 - h) - h*beta(v)
    s' = -s/20(ms)
}
PROCEDURE rates(v (mV)) { LOCAL a, b
    a = alpha(v + vshift)
    if (v < -40) { LOCAL a
        a = 2 b = a*exp(-(v+60)/20)
    } else if (v < 0) {
        b = 0.1
    } else { b = 0.05 }
    minf = a/(a + b)  mtau = 1/(a + b)/tadj
}
FUNCTION alpha(v (mV)) (/ms) {
    if (fabs((v + 45)/9) > 1e-6) { alpha = 0.1*(v + 45)/9/(1 - exp(-(v + 45)/9)) } else { alpha = 0.1 }
}
FUNCTION beta(x) { LOCAL v v = x + 60 beta = 0.125*exp(-v/80) }
