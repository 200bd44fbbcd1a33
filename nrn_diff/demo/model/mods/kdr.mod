TITLE Delayed rectifier potassium current

COMMENT

Non-inactivating, n^4, activation from a pair of exponential rates.
Written for the demonstration of nrn_diff.

ENDCOMMENT

NEURON {
	SUFFIX kdr
	USEION k READ ek WRITE ik
	RANGE gbar, ninf, taun
	GLOBAL vhalfn, zetan, gmn, a0n, nmin
}

UNITS {
	(mA) = (milliamp)
	(mV) = (millivolt)
	(S)  = (siemens)
}

PARAMETER {
	gbar   = 0.01	(S/cm2)
	vhalfn = -39	(mV)
	zetan  = -2.9	(1)
	gmn    = 0.65	(1)
	a0n    = 0.03	(/ms)
	nmin   = 0.8	(ms)
	q10    = 2.1
}

ASSIGNED {
	v	(mV)
	celsius	(degC)
	ek	(mV)
	ik	(mA/cm2)
	ninf
	taun	(ms)
}

STATE { n }

BREAKPOINT {
	SOLVE states METHOD cnexp
	ik = gbar*n^4*(v - ek)
}

INITIAL {
	rates(v)
	n = ninf
}

DERIVATIVE states {
	rates(v)
	n' = (ninf - n)/taun
}

FUNCTION alpn(v (mV)) {
	alpn = exp(1.e-3*zetan*(v - vhalfn)*9.648e4/(8.315*(273.16 + celsius)))
}

FUNCTION betn(v (mV)) {
	betn = exp(1.e-3*zetan*gmn*(v - vhalfn)*9.648e4/(8.315*(273.16 + celsius)))
}

UNITSOFF

PROCEDURE rates(v (mV)) {
	LOCAL a, qt
	qt = q10^((celsius - 24)/10)
	a = alpn(v)
	ninf = 1/(1 + a)
	taun = betn(v)/(qt*a0n*(1 + a))
	if (taun < nmin) { taun = nmin }	: never faster than this
}

UNITSON
