: the same without CONSERVE, states set in INITIAL, with SOLVEFOR and a constant reactant
NEURON { SUFFIX tkinfree NONSPECIFIC_CURRENT i RANGE gbar }
PARAMETER { gbar = 0.0007 drug = 0.4 }
STATE { c o blocked other }
ASSIGNED { v i }
INITIAL { c = 0.8 o = 0.2 blocked = 0 other = 0.5 }
BREAKPOINT { SOLVE scheme METHOD sparse i = gbar*o*(v + other) }
KINETIC scheme SOLVEFOR c, o, blocked {
    ~ c <-> o (0.3*exp((v + 40)/25), other*exp(-(v + 40)/25))
    ~ o + drug <-> blocked (0.6, 0.1)
    ~ blocked -> (0.01)
    ~ c << (0.002)
}
