NEURON { SUFFIX tidle USEION kx READ ekx WRITE ikx NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.0005 }
ASSIGNED { v ekx ikx i }
BREAKPOINT { ikx = g*(v - ekx) }
