: a current that is never assigned, a reversal potential that only BREAKPOINT assigns, constants in an array
NEURON { SUFFIX texits USEION kx READ ikx WRITE ekx VALENCE 1 RANGE level, share }
PARAMETER { level = -80 }
ASSIGNED { v ekx ikx share[3] seen }
INITIAL { FROM i = 0 TO 2 { share[i] = i + 1 } }
BREAKPOINT { if (v > -62) { ekx = level + share[2] } seen = ikx }
