"""What to put in the place of C that NEURON's users write often and that cannot become IR."""

from __future__ import annotations

import re

_REMEDIES = (
    (
        r"nrnran123_|nrn_random_pick|scop_random|\brand\s*\(|mcell_ran4|_ran_",
        "declare RANDOM r in the NEURON block and call random_uniform(r), random_negexp(r) or random_normal(r)",
    ),
    (
        r"vector_(capacity|vec|instance_px|arg|resize)|IvocVect",
        "a HOC Vector is out of reach: for spike times use a "
        "NetStim or Model inputs, for a waveform play a Vector into a RANGE variable",
    ),
    (r"\bfopen\s*\(|\bFILE\b|\bfscanf\s*\(", "read files in Python and set a PARAMETER or an array"),
    (r"getarg\s*\(|ifarg\s*\(|hoc_", "call HOC from Python and set a RANGE variable"),
    (
        r"_nt\b|_ml\b|_p\b|_ppvar\b|_prop\b|->",
        "structures, NEURON's own or those of the file, are out of reach: use RANGE variables, ions or POINTERs; where "
        "they carry spikes from cell to cell, NET_RECEIVE and NetCons",
    ),
)
_OTHERWISE = "replace the C code by NMODL, or move it to a FUNCTION that the simulation does not call"


def remedy(text: str) -> str:
    """Return what to put in place of C text."""
    return next((advice for pattern, advice in _REMEDIES if re.search(pattern, text)), _OTHERWISE)
