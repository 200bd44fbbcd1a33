: thread-safe: the table is filled with what the first instance has, DEPEND or not
NEURON {
    SUFFIX dthread
    NONSPECIFIC_CURRENT i
    RANGE m, half, slope, g
    RANGE inf
}
PARAMETER { g = 1e-4 (S/cm2)  half = -40.5 (mV)  slope = 7.3 (mV) }
STATE { m }
ASSIGNED { v (mV) i (mA/cm2) inf }
BREAKPOINT {
    SOLVE gate METHOD cnexp
    i = g*m*(v + 20)
}
INITIAL { rate(v)  m = inf }
DERIVATIVE gate { rate(v)  m' = (inf - m)/3 }
PROCEDURE rate(v (mV)) {
    TABLE inf DEPEND half, slope FROM -100 TO 50 WITH 30
    inf = 1/(1 + exp((half - v)/slope))
}
