: calcium in shells with a buffer: not linear, arrays, COMPARTMENT with and without index, CONSERVE of scalars
NEURON { SUFFIX tbuffer USEION ca READ cao, cai, ica WRITE cai, ica RANGE ica_pump, total }
DEFINE NSHELL 4
UNITS { (mM) = (milli/liter) (um) = (micron) FARADAY = (faraday) (10000 coulomb) PI = (pi) (1) }
PARAMETER { DCa = 0.6 k1buf = 100 k2buf = 0.1 btot = 0.5 pumpden = 2e-3 }
STATE { ca[NSHELL] (mM) <1e-7> buf[NSHELL] bound[NSHELL] pump pumpca }
ASSIGNED { v diam cai cao ica ica_pump last total vol[NSHELL] frat[NSHELL] area0 }
INITIAL {
    geometry()
    FROM i = 0 TO NSHELL - 1 { ca[i] = cai buf[i] = btot/(1 + cai*k1buf/k2buf) bound[i] = btot - buf[i] }
    pump = pumpden/(1 + cai*0.01) pumpca = pumpden - pump
    last = 0 ica_pump = 0 total = 0
}
BREAKPOINT { SOLVE state METHOD sparse last = ica_pump ica = ica_pump }
PROCEDURE geometry() { LOCAL r, dr
    r = 0.5 dr = 0.5/NSHELL
    area0 = PI*diam
    vol[0] = PI*(r - dr/2)*2*dr*diam*diam
    FROM i = 1 TO NSHELL - 1 { r = r - dr frat[i] = 2*PI*r/dr vol[i] = PI*(r - dr/2)*2*dr*diam*diam }
}
KINETIC state {
    COMPARTMENT i, vol[i] { ca buf bound }
    COMPARTMENT area0 { pump pumpca }
    ~ ca[0] << (-(ica - last)*area0/(2*FARADAY))
    ~ ca[0] + pump <-> pumpca (0.5*area0, 0.02*area0)
    ~ pumpca <-> pump (0.04*area0, 0)
    ica_pump = 2*FARADAY*(f_flux - b_flux)/area0
    FROM i = 0 TO NSHELL - 2 { ~ ca[i] <-> ca[i+1] (DCa*frat[i+1], DCa*frat[i+1]) }
    FROM i = 0 TO NSHELL - 1 { ~ ca[i] + buf[i] <-> bound[i] (k1buf*vol[i], k2buf*vol[i]) }
    CONSERVE pump + pumpca = pumpden*area0
    cai = ca[0]
    total = ca[0] + 2*ca[1]
}
