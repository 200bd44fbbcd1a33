: cnexp of a product of states: NEURON steps it by a formula of its own; coupled states one after the other
NEURON { SUFFIX tquad NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.0003 a = 0.2 }
STATE { x u z }
ASSIGNED { v i }
INITIAL { x = 0.7 u = 0.2 z = 0.1 }
BREAKPOINT { SOLVE s METHOD cnexp i = g*x*(u + z)*(v + 30) }
DERIVATIVE s { LOCAL twice x' = -a*x*x + a*u twice = 2*u u' = 0.05*x - twice*0.01 z' = a*(u - z) - exp(-a)*z/3 }
