TITLE Calcium-dependent potassium current

COMMENT

Small conductance, voltage independent: opens with the square of cai, which
gives spike frequency adaptation.
Written for the demonstration of nrn_diff.

ENDCOMMENT

NEURON {
	SUFFIX kca
	USEION k READ ek WRITE ik
	USEION ca READ cai
	RANGE gbar, gk, q_inf, tau_q
	GLOBAL beta, cac, taumin
}

UNITS {
	(mA)    = (milliamp)
	(mV)    = (millivolt)
	(S)     = (siemens)
	(molar) = (1/liter)
	(mM)    = (millimolar)
}

PARAMETER {
	gbar   = .001	(S/cm2)
	beta   = 0.04	(1/ms)		: backward rate constant
	cac    = 0.0012	(mM)		: middle point of activation
	taumin = 0.5	(ms)		: minimal value of the time constant
}

ASSIGNED {
	v	(mV)
	celsius	(degC)
	ek	(mV)
	cai	(mM)
	ik	(mA/cm2)
	gk	(S/cm2)
	q_inf
	tau_q	(ms)
	tadj
}

STATE { q }

BREAKPOINT {
	SOLVE states METHOD cnexp
	gk = gbar*q
	ik = gk*(v - ek)
}

DERIVATIVE states {
	evaluate_fct(cai)
	q' = (q_inf - q)/tau_q
}

INITIAL {
	tadj = 3^((celsius - 22.0)/10)	: the temperature does not change in a run
	evaluate_fct(cai)
	q = q_inf
}

UNITSOFF

PROCEDURE evaluate_fct(cai (mM)) {
	LOCAL car
	car = (cai/cac)^2
	q_inf = car/(1 + car)
	tau_q = 1/beta/(1 + car)/tadj
	if (tau_q < taumin) { tau_q = taumin }
}

UNITSON
