NEURON { SUFFIX teuler NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.0003 }
STATE { x u }
ASSIGNED { v i }
INITIAL { x = 0.7 u = 0.2 }
BREAKPOINT { SOLVE s METHOD euler i = g*x*(v + 30) }
DERIVATIVE s { x' = -0.1*x + u*0.01*v/50 u' = 0.3*(x - u) }
