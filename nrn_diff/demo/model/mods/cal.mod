TITLE High threshold calcium current

COMMENT

L type calcium current with Goldman-Hodgkin-Katz driving force and
calcium-dependent inactivation (second order in m).
Written for the demonstration of nrn_diff.

ENDCOMMENT

UNITS {
	(mA)    = (milliamp)
	(mV)    = (millivolt)
	(molar) = (1/liter)
	(mM)    = (millimolar)
	FARADAY = (faraday) (coulomb)
	R       = (k-mole) (joule/degC)
	KTOMV   = .0853 (mV/degC)
}

NEURON {
	SUFFIX cal
	USEION ca READ cai, cao WRITE ica
	RANGE pbar, minf, mtau, hca, ica
	GLOBAL ki, vhalf, tfa, tfi
}

PARAMETER {
	pbar  = 0.0005	(mA/mV/cm2)	: permeability in conductance units
	ki    = .002	(mM)
	vhalf = -17	(mV)
	slope = 6.8	(mV)
	tfa   = 3	(1)
	tfi   = 1	(1)
}

ASSIGNED {
	v	(mV)
	celsius	(degC)
	cai	(mM)
	cao	(mM)
	ica	(mA/cm2)
	minf
	mtau	(ms)
	hca
}

STATE { m }

INITIAL {
	rate(v)
	m = minf
}

BREAKPOINT {
	SOLVE state METHOD cnexp
	hca = h2(cai)
	ica = pbar*m*m*hca*ghk(v, cai, cao)
}

DERIVATIVE state {
	rate(v)
	m' = (minf - m)/mtau
}

FUNCTION h2(cai (mM)) {
	h2 = ki/(ki + cai)
}

FUNCTION ghk(v (mV), ci (mM), co (mM)) (mV) {
	LOCAL nu, f
	f = KTF(celsius)/2
	nu = v/f
	ghk = -f*(1. - (ci/co)*exp(nu))*efun(nu)
}

FUNCTION KTF(celsius (degC)) (mV) {
	KTF = KTOMV*(celsius + 273.15(degC))
}

FUNCTION efun(z) {
	if (fabs(z) < 1e-4) {
		efun = 1 - z/2
	} else {
		efun = z/(exp(z) - 1)
	}
}

PROCEDURE rate(v (mV)) {
	LOCAL s
	s = (v - vhalf)/slope
	minf = 1/(1 + exp(-s))
	mtau = 0.25(ms)*tfi + tfa*1(ms)/(exp(s/2.4) + exp(-s/2.4))
}
