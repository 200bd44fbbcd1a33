: assigns v: a copy that lasts as long as the block
NEURON { SUFFIX tvcopy USEION k READ ek WRITE ik RANGE gbar }
PARAMETER { gbar = 0.003 }
STATE { m }
ASSIGNED { v ek ik inf tau }
INITIAL { rates() m = inf }
BREAKPOINT { SOLVE s METHOD cnexp ik = gbar*m*(v - ek) }
DERIVATIVE s { rates() m' = (inf - m)/tau }
PROCEDURE rates() { v = v + 10 inf = 1/(1 + exp(-(v + 30)/6)) tau = 1 + 4/(1 + exp((v + 35)/5)) v = v - 9.5 tau = tau*(1 + v*1e-4) }
