TITLE Calcium accumulation in a thin shell, first order decay

COMMENT

The calcium current feeds a shell of thickness depth below the membrane;
everything that takes calcium away (buffers, pumps, diffusion) is one first
order decay to cainf with time constant taur:

	cai' = -10000 ica / (2 FARADAY depth) + (cainf - cai)/taur

Only an inward current is allowed to fill the shell.
Written for the demonstration of nrn_diff.

ENDCOMMENT

INDEPENDENT {t FROM 0 TO 1 WITH 1 (ms)}

NEURON {
	SUFFIX cadp
	USEION ca READ ica, cai WRITE cai
	RANGE ca, depth, taur, cainf, drive_channel
}

UNITS {
	(molar) = (1/liter)		: moles do not appear in units
	(mM)    = (millimolar)
	(um)    = (micron)
	(mA)    = (milliamp)
	(msM)   = (ms mM)
	FARADAY = (faraday) (coulomb)
}

PARAMETER {
	depth = .15	(um)		: depth of shell
	taur  = 60	(ms)		: rate of calcium removal
	cainf = 100e-6	(mM)
	cai		(mM)
}

STATE {
	ca		(mM)
}

INITIAL {
	ca = cainf
	cai = ca
}

ASSIGNED {
	ica		(mA/cm2)
	drive_channel	(mM/ms)
}

BREAKPOINT {
	SOLVE state METHOD derivimplicit
}

DERIVATIVE state {
	drive_channel = -(10000)*ica/(2*FARADAY*depth)

	if (drive_channel <= 0.) { drive_channel = 0. }	: cannot pump inward

	ca' = drive_channel + (cainf - ca)/taur
	cai = ca
}
