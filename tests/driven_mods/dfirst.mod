: not thread-safe, no DEPEND: the table of the first instance serves all
NEURON {
    SUFFIX dfirst
    NONSPECIFIC_CURRENT i
    RANGE m, half, slope, g
    GLOBAL inf
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
    TABLE inf FROM -100 TO 50 WITH 30
    inf = 1/(1 + exp((half - v)/slope))
}
