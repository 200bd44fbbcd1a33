"""Mechanisms of NEURON's own without their C code, for which there is an equivalent: APCount and PatternStim."""

from __future__ import annotations

import re

from nrn_diff.bridge.catalog import MechanismType

COUNT = "APCount"
_VERBATIM = re.compile(r"VERBATIM.*?ENDVERBATIM", re.DOTALL)
# What the blocks of C do if no Vector is given to record(), in the order of src/nrnoc/apcount.mod.
_INSTEAD = (
    "",
    """if (v >= thresh && firing == 0) { firing = 1  time = t  n = n + 1 }
    if (firing != 0 && v < thresh && t > time) { firing = 0 }""",
    "",
)


# What events/pattern.py does is what this C code does, in which only spaces may differ.
PATTERN = "PatternStim"
_SENDS = (
    "struct Info { /* same as in CoreNEURON */ int size; double* tvec; int* gidvec; int index; };",
    "info->index = 0; if (info->tvec) { _linitps = 1.; }else{ _linitps = 0.; }",
    "int fake_out = fake_output ? 1 : 0; for (int i=0; info->index < size; ++i) { /* only if the gid is NOT on this "
    "machine */ nrn_fake_fire(gidvec[info->index], tvec[info->index], fake_out); ++info->index; if (i > 100 && t < "
    "tvec[info->index]) { break; } } if (info->index >= size) { _lsendgroup = t - 1.; }else{ _lsendgroup = "
    "tvec[info->index]; }",
)


def nmodl_text(kind: MechanismType) -> str:
    """The NMODL text of a mechanism, that of APCount and PatternStim without C."""
    blocks = _VERBATIM.findall(kind.code)
    if kind.name == PATTERN and all(part in " ".join(kind.code.split()) for part in _SENDS):
        return _VERBATIM.sub("", kind.code)
    if kind.name != COUNT or len(blocks) != len(_INSTEAD) or "IvocVect" not in blocks[0]:
        return kind.code
    instead = iter(_INSTEAD)
    text = _VERBATIM.sub(lambda _: next(instead), kind.code)
    # For the fixed step the method means: in the update of the states.
    return text.replace(" METHOD after_cvode", "").replace("firing\n\tspace", "firing\n\tspace\n\tv (mV)")
