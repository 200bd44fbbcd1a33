TITLE GLOBALs that go from instance to instance, in every block
NEURON {
    SUFFIX dturn
    NONSPECIFIC_CURRENT i
    RANGE g, seen, number, found
    GLOBAL sum, count, list, before
}
PARAMETER { g = 1e-5 }
ASSIGNED { v i sum count seen number found list[2] before }
STATE { m }
INITIAL {
    count = count + 1
    number = count
    m = 0.1
}
BREAKPOINT {
    SOLVE states METHOD cnexp
    seen = sum
    sum = 0.5*sum + v
    i = g*m*(v + 54.3) + 1e-7*seen
}
DERIVATIVE states {
    found = before + list[1]
    if (v > -60) {
        before = v
        list[1] = list[0] + m
    }
    list[0] = 0.3*list[0] + v/100
    m' = (0.4 - m)/5 + found*1e-3
}
