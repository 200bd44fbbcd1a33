: reactions with multiplicities, started in the steady state of a scheme that is not linear
NEURON { SUFFIX tdimer NONSPECIFIC_CURRENT i RANGE gbar }
PARAMETER { gbar = 0.0009 }
STATE { m d open }
ASSIGNED { v i }
INITIAL { m = 0.9 d = 0.05 open = 0 SOLVE s STEADYSTATE sparse }
BREAKPOINT { SOLVE s METHOD sparse i = gbar*open*(v + 15) }
KINETIC s {
    ~ 2 m <-> d (0.8*exp((v + 60)/50), 0.3)
    ~ d <-> open (0.6, 0.9*exp(-(v + 30)/30))
    CONSERVE m + 2 d + 2 open = 1
}
