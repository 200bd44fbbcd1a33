TITLE Fast transient sodium current

COMMENT

Hodgkin-Huxley style sodium current, m^3 h, for a generic cortical
pyramidal neuron.  Written for the demonstration of nrn_diff; it follows no
particular published cell.

Rates are for 23 degC and are speeded up with a Q10.
The rates are kept in a table (see usetable_nat).

ENDCOMMENT

INDEPENDENT {t FROM 0 TO 1 WITH 1 (ms)}

NEURON {
	SUFFIX nat
	USEION na READ ena WRITE ina
	RANGE gbar, g, ina
	GLOBAL vhm, vhh, q10, temp
	GLOBAL minf, hinf, mtau, htau
}

UNITS {
	(mA) = (milliamp)
	(mV) = (millivolt)
	(S)  = (siemens)
}

PARAMETER {
	gbar = 0.1	(S/cm2)
	vhm  = -33	(mV)		: half activation of the m rates
	km   = 7.5	(mV)
	Am   = 0.19	(/ms/mV)	: opening
	Bm   = 0.13	(/ms/mV)	: closing
	vhh  = -58.5	(mV)		: half inactivation
	kh   = 6.8	(mV)
	q10  = 2
	temp = 23	(degC)		: original temperature
}

ASSIGNED {
	v	(mV)
	celsius	(degC)
	ena	(mV)
	ina	(mA/cm2)
	g	(S/cm2)
	minf
	hinf
	mtau	(ms)
	htau	(ms)
}

STATE { m h }

INITIAL {
	trates(v)
	m = minf
	h = hinf
}

BREAKPOINT {
	SOLVE states METHOD cnexp
	g = gbar*m*m*m*h
	ina = g*(v - ena)
}

DERIVATIVE states {
	trates(v)
	m' = (minf - m)/mtau
	h' = (hinf - h)/htau
}

PROCEDURE trates(v (mV)) {	: tabulated over the physiological range
	LOCAL a, b, tadj
	TABLE minf, mtau, hinf, htau
	DEPEND celsius, temp, q10, vhm, vhh, km, kh, Am, Bm
	FROM -120 TO 100 WITH 440

	tadj = q10^((celsius - temp)/10(degC))

	a = trap0(v, vhm, Am, km)
	b = trap0(-v, -vhm, Bm, km)
	mtau = 1/(a + b)/tadj
	minf = a/(a + b)

	hinf = 1/(1 + exp((v - vhh)/kh))
	htau = (0.35(ms) + 5.2(ms)/(exp((v + 58(mV))/11(mV)) + exp(-(v + 58(mV))/17(mV))))/tadj
}

FUNCTION trap0(v (mV), th (mV), a (/ms/mV), q (mV)) (/ms) {
	if (fabs((v - th)/q) > 1e-6) {
		trap0 = a*(v - th)/(1 - exp(-(v - th)/q))
	} else {
		trap0 = a*q
	}
}
