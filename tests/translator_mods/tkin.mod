: linear KINETIC scheme with CONSERVE, started in its steady state
NEURON { SUFFIX tkin USEION na READ ena WRITE ina RANGE gbar, net }
PARAMETER { gbar = 0.02 }
STATE { c1 c2 o i1 }
ASSIGNED { v ena ina net a b }
INITIAL { net = 0 SOLVE scheme STEADYSTATE sparse }
BREAKPOINT { SOLVE scheme METHOD sparse ina = gbar*o*(v - ena) }
KINETIC scheme { LOCAL r
    rates(v)
    r = 0.3*b
    ~ c1 <-> c2 (2*a, b)
    ~ c2 <-> o (a, 2*b)
    net = f_flux - b_flux
    ~ o <-> i1 ((r + 0.1), 0.02*a)
    ~ i1 <-> c1 (0.05, 0.05*exp(v/40))
    CONSERVE c1 + c2 + o + i1 = 1
}
PROCEDURE rates(v) { a = 2*exp((v + 40)/20) b = 1.5*exp(-(v + 50)/25) }
