: what the first instance prepares in file LOCALs, behind a flag, and what each instance passes on to the next
NEURON {
    SUFFIX dturns
    NONSPECIFIC_CURRENT i
    RANGE w, x
}
UNITS { (mA) = (milliamp) (mV) = (millivolt) (S) = (siemens) }
ASSIGNED { v (mV)  i (mA/cm2)  w  x }
LOCAL scale, done, width[3], count, code

INITIAL {
    scale = 2
    if (done == 0) {
        done = 1
        prepare()
    }
    count = count + 1
    code = count
    w = width[1]*scale
}

PROCEDURE prepare() {
    width[0] = 1
    FROM k = 1 TO 2 { width[k] = width[k-1]*1.5 }
}

BREAKPOINT {
    x = code
    i = (1e-5 (S/cm2))*width[2]*code*(v + 61)
}
