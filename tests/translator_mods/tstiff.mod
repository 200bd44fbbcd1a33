: coupled and not linear: derivimplicit, with an ASSIGNED that the block leaves behind
NEURON { SUFFIX tstiff NONSPECIFIC_CURRENT i RANGE g, occupied }
PARAMETER { g = 0.0005 kon = 3 koff = 0.7 }
STATE { free bound open }
ASSIGNED { v i occupied }
INITIAL { free = 1 bound = 0 open = 0.1 }
BREAKPOINT { SOLVE scheme METHOD derivimplicit i = g*(open + occupied/10)*(v + 20) }
DERIVATIVE scheme { LOCAL r
    r = rate(v)
    occupied = bound*bound + open
    free' = -r*free*free + koff*bound
    bound' = r*free*free - koff*bound - bound*open + 0.2*open
    open' = bound*open - 0.2*open
}
FUNCTION rate(v) { rate = kon/(1 + exp(-(v + 50)/10)) }
