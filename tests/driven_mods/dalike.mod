: not thread-safe, a table for each instance that also uses what INITIAL gives all instances alike (not in DEPEND)
NEURON {
    SUFFIX dalike
    NONSPECIFIC_CURRENT i
    RANGE m, w, half, slope, g
    GLOBAL inf, top
}
PARAMETER { g = 1e-4 (S/cm2)  half = -40.5 (mV)  slope = 7.3 (mV) top = 2 }
STATE { m }
ASSIGNED { v (mV) i (mA/cm2) inf shift (mV) dt (ms) celsius (degC) w }
BREAKPOINT {
    SOLVE gate METHOD cnexp
    i = g*m*(v + 20)*gain(v)
}
INITIAL {
    if (celsius > 10) { shift = celsius/5 + 10*dt } else { shift = 0.5 }
    m = 0.3
    w = 0
}
DERIVATIVE gate { rate(v)  m' = (inf - m)/3  w = gain(v + 3) }
PROCEDURE rate(v (mV)) {
    TABLE inf DEPEND half, slope FROM -100 TO 50 WITH 30
    if (v < -60 + shift) { inf = 0.1 } else { inf = 1/(1 + exp((half + shift - v)/slope)) }
}
FUNCTION gain(v (mV)) {
    TABLE DEPEND top FROM -100 TO 50 WITH 25
    if (v < -70 - shift) { gain = 0.5 } else { gain = top/(1 + exp((shift - v)/20)) }
}
