: TABLE in a PROCEDURE and in a FUNCTION
NEURON { SUFFIX ttable USEION na READ ena WRITE ina RANGE gbar GLOBAL shift }
PARAMETER { gbar = 0.02 shift = 2 }
STATE { m h }
ASSIGNED { v ena ina celsius minf mtau hinf }
INITIAL { rates(v) m = minf h = hinf }
BREAKPOINT { SOLVE s METHOD cnexp ina = gbar*m*m*h*(v - ena) }
DERIVATIVE s { rates(v) m' = (minf - m)/mtau h' = (hinf - h)/tau(v) }
PROCEDURE rates(v) { LOCAL a
    TABLE minf, mtau, hinf DEPEND celsius, shift FROM -100 TO 100 WITH 93
    a = 3^((celsius - 10)/10)
    minf = 1/(1 + exp(-(v + 40 + shift)/7)) mtau = (0.1 + 0.4/(1 + exp((v + 40)/20)))/a
    hinf = 1/(1 + exp((v + 60)/6))
}
FUNCTION tau(u) { TABLE DEPEND celsius FROM -90 TO 60 WITH 50 tau = 1 + 5/(1 + exp((u + 50)/10))*celsius/6 }
