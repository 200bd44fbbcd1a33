: a pool with unit factors, arrays of the geometry and a STATE that is the concentration
NEURON { SUFFIX tcapool USEION ca READ ica, cai WRITE cai RANGE depth, cainf, taur, drive }
DEFINE SHELLS 3
UNITS { (mM) = (milli/liter) (um) = (micron) (mA) = (milliamp) FARADAY = (faraday) (coulomb) PI = (pi) (1) }
CONSTANT { leak = 0.25 }
PARAMETER { depth = 0.1 (um) taur = 80 (ms) cainf = 1e-4 (mM) }
STATE { cai (mM) <1e-8> }
ASSIGNED { ica (mA/cm2) diam (um) drive share[SHELLS] }
INITIAL {
    FROM i = 0 TO SHELLS - 1 { share[i] = (i + 1)/6*depth/0.1 }
    cai = cainf
}
BREAKPOINT { SOLVE state METHOD cnexp }
DERIVATIVE state { LOCAL sum, part[2]
    sum = 0
    FROM i = 0 TO SHELLS - 1 BY 2 { sum = sum + share[i]*(i + leak) }
    part[0] = sum part[1] = PI/4/diam
    drive = -(10000)*ica/(2*FARADAY*depth)*part[0] - part[1]*0
    if (drive < 0) { drive = 0 }
    cai' = drive + (cainf - cai)/taur
}
