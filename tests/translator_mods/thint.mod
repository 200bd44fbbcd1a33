: CONDUCTANCE hints that are not the derivative of the currents: NEURON uses them all the same
NEURON { SUFFIX thint USEION k READ ek WRITE ik NONSPECIFIC_CURRENT i RANGE g, gbar }
PARAMETER { gbar = 0.002 }
STATE { m }
ASSIGNED { v ek ik i g }
INITIAL { m = 0.2 }
BREAKPOINT { LOCAL gl
    SOLVE s METHOD cnexp
    CONDUCTANCE g USEION k
    CONDUCTANCE gl
    g = gbar*m  gl = 0.0007
    ik = g*(v - ek)*(1 + v/200) i = 0.0005*(v + 60)
}
DERIVATIVE s { m' = (1/(1 + exp(-(v + 40)/9)) - m)/3 }
