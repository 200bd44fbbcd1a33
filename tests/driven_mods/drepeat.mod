TITLE loops and indices that are only known at run time
NEURON {
    SUFFIX drepeat
    NONSPECIFIC_CURRENT i
    RANGE g, n, halvings, power, table, at, total, picked, steps
}
PARAMETER { g = 1e-5  n = 3.7 }
ASSIGNED { v i halvings power table[5] tau[3] at total picked steps calls minf }
STATE { m }
INITIAL {
    FROM k = 0 TO n { table[k] = k/2 + 0.1 }
    FROM k = 4 - n TO 3*n/2 BY 2 { total = total + k }
    FROM k = 0 TO 2 { tau[k] = 2 + k }
    m = raised(0.8, n)
}
FUNCTION raised(x, times) {
    raised = 1
    FROM k = 1 TO times { raised = raised*x }
}
FUNCTION next() { calls = calls + 1  next = calls }
PROCEDURE look(u) { LOCAL x
    calls = 0
    halvings = 0
    x = fabs(u) + 1
    while (x > 1) {
        x = x/(2 + exp(-x))
        halvings = halvings + 1
        if (x > 3) { total = 0.9*total + 1/x }
    }
    at = 2*fabs(sin(u/10))
    picked = table[at]
    table[at + 1] = table[at + 1]*0.99 + u/1e4
    while (next() < 1 + at) { picked = picked*1.01 }
    if (u > -60 && next() > 2) { steps = steps + 1 }
    if (u > -60 || next() > 3) { steps = steps + 0.5 }
    minf = raised(1/(1 + exp(-(u + 40)/10)), 1 + at)
}
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*m*(v + 54.3)*(1 + power) + 1e-6*picked
}
DERIVATIVE states {
    look(v)
    if (v > -62) { FROM k = 1 TO halvings { power = power + 1/k } } else { power = 0 }
    power = power/(1 + power)
    m' = (minf - m)/tau[1]
}
