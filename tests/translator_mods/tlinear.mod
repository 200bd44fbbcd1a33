: LINEAR equations solved in INITIAL and in each step
NEURON { SUFFIX tlinear NONSPECIFIC_CURRENT i RANGE gbar }
PARAMETER { gbar = 0.0009 }
STATE { x u w }
ASSIGNED { v i }
INITIAL { SOLVE three STEADYSTATE simeq }
BREAKPOINT { SOLVE three METHOD simeq i = gbar*w*(v + 15) }
LINEAR three { LOCAL a
    a = exp(-(v + 50)/30)
    ~ x + u + w = 1
    ~ a*x - 2*u = 0.1
    ~ u*(1 + a) = w/3 + x*0.05
}
