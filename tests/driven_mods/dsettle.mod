: temperature factors kept in LOCALs of the file, computed by whichever instance comes first
NEURON {
    SUFFIX dsettle
    USEION ca READ cai WRITE ica
    RANGE vmax, seen
}
PARAMETER { vmax = 0.05 (mA/cm2)  km = 2e-4 (mM) }
ASSIGNED { celsius (degC) ica (mA/cm2) cai (mM) seen }
LOCAL factor, last
BREAKPOINT {
    if (last*1(degC) != celsius) {
        last = celsius
        factor = 3^((celsius - 6.3)/10(degC))
    }
    seen = factor*cai
    ica = vmax*factor*cai/(cai + km)/50
}
