TITLE I-h channel of distal dendrites

COMMENT

Hyperpolarization-activated mixed cation current, one slow gate.
Written for the demonstration of nrn_diff.

ENDCOMMENT

UNITS {
	(mA) = (milliamp)
	(mV) = (millivolt)
	(S)  = (siemens)
}

NEURON {
	SUFFIX hd
	NONSPECIFIC_CURRENT i
	RANGE ghdbar, ehd, i
	GLOBAL vhalfl, kl, qtl
}

PARAMETER {
	ghdbar = .0001	(S/cm2)
	ehd    = -30	(mV)
	vhalfl = -81	(mV)
	kl     = -8
	vhalft = -75	(mV)
	a0t    = 0.011	(/ms)
	zetat  = 2.2	(1)
	gmt    = .4	(1)
	q10    = 4.5
	qtl    = 1
}

ASSIGNED {
	v	(mV)
	celsius	(degC)
	i	(mA/cm2)
	linf
	taul
	ghd	(S/cm2)
}

STATE { l }

INITIAL {
	rate(v)
	l = linf
}

BREAKPOINT {
	SOLVE states METHOD cnexp
	ghd = ghdbar*l
	i = ghd*(v - ehd)
}

FUNCTION alpt(v (mV)) {
	alpt = exp(0.0378*zetat*(v - vhalft))
}

FUNCTION bett(v (mV)) {
	bett = exp(0.0378*zetat*gmt*(v - vhalft))
}

DERIVATIVE states {	: exact when v is held constant
	rate(v)
	l' = (linf - l)/taul
}

PROCEDURE rate(v (mV)) {	: callable from hoc
	LOCAL a, qt
	qt = q10^((celsius - 33)/10)
	a = alpt(v)
	linf = 1/(1 + exp(-(v - vhalfl)/kl))
	taul = bett(v)/(qtl*qt*a0t*(1 + a))
}
