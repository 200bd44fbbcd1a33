: t and dt in the equations, no current of its own: BREAKPOINT runs in the state update; SOLVE inside if
NEURON { SUFFIX ttimed RANGE out, count }
PARAMETER { tau = 5 }
STATE { x }
ASSIGNED { v dt out count }
INITIAL { x = 0 count = 0 }
BREAKPOINT { if (t > 1e9) { SOLVE s METHOD cnexp } out = x*v + t count = count + dt }
DERIVATIVE s { LOCAL drive if (t > 3 && t < 7) { drive = sin(t) } else { drive = 0 } x' = (drive - x)/tau }
