"""What a NEURON process can hold that a snapshot does not represent."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.inventory import hoc_objects

# HOC classes whose objects change a run: class -> (why, remedy).
_CLASSES = {
    "FInitializeHandler": (
        "its code runs during finitialize and may change the starting state",
        "delete the handler, or set the values it sets as parameters",
    ),
    "LinearMechanism": ("linear circuits are not supported yet", "remove the LinearMechanism"),
    "StateTransitionEvent": ("its state transitions run user code", "remove it"),
}


def neuron_pointer(name: str) -> int | None:
    """A global pointer of NEURON's library: its value (0: null), or None if this build does not export it."""
    import neuron.hoc

    for path in (None, neuron.hoc.__file__, *_libraries()):
        try:
            return ctypes.c_void_p.in_dll(ctypes.CDLL(path), name).value or 0
        except (OSError, ValueError):
            continue
    return None


def _libraries() -> list[str]:
    import neuron

    folder = Path(neuron.__file__).parent
    return [str(p) for p in (*folder.glob(".data/lib/libnrniv.*"), *folder.glob("../../libnrniv.*"))]


def check_process(findings: Findings) -> None:
    """Refuse what would make NEURON's own run differ from the fixed step of the captured equations."""
    cvode = h.CVode()
    if cvode.active():
        findings.refuse(
            "CVODE is active",
            "",
            "the variable step is not supported yet, only NEURON's fixed step",
            "h.CVode().active(0), and set h.dt",
        )
    method = int(cvode.current_method())
    if method // 10 % 10:
        findings.refuse(
            "sparse13 matrix", "", "the model needs NEURON's general sparse solver", "see the other reasons"
        )
    for name, (why, remedy) in _CLASSES.items():
        for live in hoc_objects(name):
            findings.refuse(name, live.hname(), why, remedy)
    _check_parallel(findings)
    _check_hooks(findings)


def _check_parallel(findings: Findings) -> None:
    context: Any = h.ParallelContext()
    if context.nhost() > 1:
        findings.refuse(
            f"{int(context.nhost())} MPI processes",
            "",
            "each process holds a part of the model only",
            "build it in one process",
        )
    if neuron_pointer("nrnthread_v_transfer_"):
        findings.refuse(
            "gap junctions by ParallelContext.source_var / target_var",
            "",
            "continuous transfer of voltages is not supported yet",
            "remove the gap junctions",
        )
    if neuron_pointer("nrn_multisplit_solve_"):
        findings.refuse("multisplit", "", "split cells are not supported", "do not call ParallelContext.multisplit")


def _check_hooks(findings: Findings) -> None:
    if neuron_pointer("nrn_nonvint_block"):
        findings.refuse(
            "reaction-diffusion or another solver of its own", "", "neuron.rxd is not supported yet", "remove it"
        )
