"""APCount, NEURON's own counter of spikes, whose C code has an equivalent in NMODL."""

from __future__ import annotations

import re

from neuron import h

from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.fields import columns_of
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, Located

_NAME = "APCount"
_VERBATIM = re.compile(r"VERBATIM.*?ENDVERBATIM", re.DOTALL)
# What the blocks of C do if no Vector is given to record(), in the order of src/nrnoc/apcount.mod.
_INSTEAD = (
    "",
    """if (v >= thresh && firing == 0) { firing = 1  time = t  n = n + 1 }
    if (firing != 0 && v < thresh && t > time) { firing = 0 }""",
    "",
)


def nmodl_text(kind: MechanismType) -> str:
    """The NMODL text of a mechanism, that of APCount without C."""
    blocks = _VERBATIM.findall(kind.code)
    if kind.name != _NAME or len(blocks) != len(_INSTEAD) or "IvocVect" not in blocks[0]:
        return kind.code
    instead = iter(_INSTEAD)
    text = _VERBATIM.sub(lambda _: next(instead), kind.code)
    # For the fixed step the method means: in the update of the states.
    return text.replace(" METHOD after_cvode", "").replace("firing\n\tspace", "firing\n\tspace\n\tv (mV)")


def refuse_vectors_of_counts(inventory: Inventory, findings: Findings) -> None:
    """Refuse an APCount that writes the times of spikes into a Vector."""
    for located in (d for d in inventory.mechanisms if d.type.name == _NAME):
        if nmodl_text(located.type) == located.type.code:
            continue
        try:
            given = in_copy(lambda located=located: _has_vector(located))  # type: ignore[misc]
        except ChildFailedError:
            given = True
        if given:
            findings.refuse(
                "APCount.record(vector)",
                ", ".join(located.labels[:3]),
                "it writes the times of spikes into the Vector by C code, in every step",
                "record the spikes of the section with NetCon.record(vector), and leave APCount its count n",
            )


def _has_vector(located: Located) -> bool:
    h.CVode().active(0)
    h.finitialize()  # brings NEURON's arrays of variables about
    return bool((columns_of(located)["space"] != 0).any())
