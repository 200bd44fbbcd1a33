: ASSIGNED that keeps its value between blocks and steps; BREAKPOINT in two pieces; an own ion current read before written
NEURON { SUFFIX tcarry USEION cl WRITE icl VALENCE -1 RANGE gbar, peak, seen }
PARAMETER { gbar = 0.0006 }
STATE { w }
ASSIGNED { v icl peak seen }
INITIAL { peak = -100 seen = 0 w = 0 }
INITIAL { w = w + 0.5 }
BREAKPOINT { if (v > peak) { peak = v } SOLVE s METHOD cnexp }
BREAKPOINT { icl = gbar*w*(v - peak - 5) }
DERIVATIVE s { if (icl > 0) { seen = seen + icl } w' = (0.1*icl + 0.4 - w)/10 }
