: a temperature factor that is assigned only while the TABLE is filled, in a PROCEDURE that it calls
NEURON { SUFFIX tmainen USEION k READ ek WRITE ik RANGE gbar GLOBAL tadj, q10, vmin, vmax }
PARAMETER { gbar = 0.0005 q10 = 2.3 dt (ms) celsius (degC) vmin = -120 vmax = 100 v (mV) }
STATE { n }
ASSIGNED { ik ek ninf ntau tadj gk }
LOCAL nexp
INITIAL { trates(v) n = ninf }
BREAKPOINT { SOLVE states gk = tadj*gbar*n ik = gk*(v - ek) }
PROCEDURE states() { trates(v) n = n + nexp*(ninf - n) }
PROCEDURE trates(v) { LOCAL tinc
    TABLE ninf, nexp DEPEND dt, celsius, q10 FROM vmin TO vmax WITH 199
    rates(v)
    tinc = -dt*tadj
    nexp = 1 - exp(tinc/ntau)
}
PROCEDURE rates(vm) { LOCAL a, b
    tadj = q10^((celsius - 23)/10)
    a = 0.02*(vm + 30)/(1 - exp(-(vm + 30)/9)) b = -0.002*(vm + 30)/(1 - exp((vm + 30)/9))
    ntau = 1/(a + b) ninf = a*ntau
}
