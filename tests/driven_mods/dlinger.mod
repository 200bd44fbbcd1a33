TITLE METHOD sparse, not linear, of equations that use what their last evaluation left, also of all evaluations before
NEURON {
    SUFFIX dlinger
    USEION na READ nai, ina WRITE nai
    NONSPECIFIC_CURRENT i
    RANGE g, swell, seen, room
}
UNITS { (mV) = (millivolt) (mA) = (milliamp) (mM) = (milli/liter) (S) = (siemens) }
PARAMETER { g = 1e-4 (S/cm2) tau = 3 (ms) }
ASSIGNED { v (mV) i (mA/cm2) ina (mA/cm2) nai (mM) swell (mM/ms) seen room }
STATE { na[2] vol p }
INITIAL {
    na[0] = nai na[1] = 2*nai vol = 1 p = 0.6
    seen = 2*p
}
BREAKPOINT {
    SOLVE pool METHOD sparse
    i = g*(p + 0.01*swell)*(v + 20)
}
KINETIC pool {
    COMPARTMENT k, vol { na }
    swell = (na[1] - nai)/tau
    if (swell > 3) { room = -1 } else { room = 1 }
    ~ vol << (0.001*room*swell)
    ~ na[0] << (0.02*swell - 3*ina)
    ~ 2 na[0] <-> na[1] (0.0002, 0.02*vol)
    ~ p << (0.05*(1.2 - seen*(1 + v/400)))
    nai = na[0]
    seen = 0.5*seen + p
}
