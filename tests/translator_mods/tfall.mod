: cnexp that nocmodl cannot do (state in a divisor): derivimplicit instead
NEURON { SUFFIX tfall NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.0003 }
STATE { c p }
ASSIGNED { v i }
INITIAL { c = 0.3 p = 0.9 }
BREAKPOINT { SOLVE s METHOD cnexp i = g*c*p*(v + 30) }
DERIVATIVE s { c' = (0.5 - c)/(1 + c) p' = 0.1*(c - p) }
