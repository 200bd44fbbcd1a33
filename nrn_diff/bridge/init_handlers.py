"""FInitializeHandlers: which of them change the model, found by running finitialize with and without them in copies."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable
from functools import partial
from typing import Any

from neuron import h

from nrn_diff.bridge.findings import AS_IT_IS, Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.native import neuron_library
from nrn_diff.bridge.plays import locate
from nrn_diff.bridge.reaction_diffusion import is_idle, own_handlers
from nrn_diff.bridge.save_state import saved_here
from nrn_diff.bridge.variables import Block, every_variable, move, never_driven, thresholds

_LISTS = "_ZN15FInitialHandler8fihlist_E"  # std::vector<FInitialHandler*>[4], src/nrniv/finithnd.cpp
_STEPS = 3
_KEPT = frozenset({"t", "dt", "secondorder", "tstop"})  # as they are, where all others are moved
_COUNTED = ("Vector", "NetCon", "List", "Random", "Matrix", "LinearMechanism", "SaveState", "FInitializeHandler")


def refuse_handlers(inventory: Inventory, findings: Findings) -> None:
    """Refuse FInitializeHandlers that change anything of the model, and note those that do not.

    They are run in copies of the process: as everything is, and with all parameters moved, so that one which sets
    what is set already, or computes it from parameters, is seen too.
    """
    idle = own_handlers() if is_idle() else set()
    names = [handler.hname() for handler in hoc_objects("FInitializeHandler") if handler.hname() not in idle]
    if not names:
        return
    blocks = [*every_variable(inventory), thresholds(inventory), *never_driven(inventory)]
    try:
        found = _changed(blocks)
    except ChildFailedError as error:
        findings.refuse(
            "FInitializeHandler",
            ", ".join(names),
            f"whether its code changes the model cannot be found out: {error}",
            f"delete the handler, {AS_IT_IS}",
        )
        return
    if found is None:
        findings.note(f"{', '.join(names)}: found to change nothing of the model")
        return
    findings.refuse(
        "FInitializeHandler",
        ", ".join(names),
        f"its code runs during finitialize and changes {found}",
        "delete the handler when h.finitialize() was called once, so that parameters which it sets are set (what it "
        "computes from others will not follow them); start values of 'v' and STATEs can be given to Model.simulate(); "
        + AS_IT_IS,
    )


def _changed(blocks: list[Block]) -> str | None:
    """What the handlers change, in words; None: nothing."""
    for moved in (0, 2):
        try:
            found = _difference(blocks, moved)
        except ChildFailedError:
            if not moved:
                raise
            found = _difference(blocks, 1)  # a number that is zero may be a switch
        if found is not None:
            return found
    return None


def _difference(blocks: list[Block], moved: int) -> str | None:
    without = in_copy(partial(_initialised, blocks, moved, handlers=False))
    kept = in_copy(partial(_initialised, blocks, moved, handlers=True))
    for mine, theirs in zip(kept["values"], without["values"], strict=True):
        pairs = enumerate(zip(mine, theirs, strict=True))
        places = [k for k, (x, y) in pairs if x != y and not (math.isnan(x) and math.isnan(y))]
        if places:
            labels = [locate(blocks, k)[0] for k in places]
            return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
    for name in ("objects", "numbers", "state"):
        if kept[name] != without[name]:
            return _WORDS[name]
    return None


_WORDS = {
    "objects": "which Vectors, NetCons and other objects there are",
    "numbers": "where a Random stands in its stream, or what is in a Vector",
    "state": "what waits in NEURON's event queue, or what its SaveState holds",
}


def _initialised(blocks: list[Block], moved: int, *, handlers: bool) -> dict[str, Any]:
    """All that finitialize and some steps leave. moved: 0: nothing, 1: what is not zero, 2: all. For a copy only."""
    if not handlers:
        _forget_handlers()
    h.CVode().active(0)
    if moved:
        move(blocks, zeros=moved == 2, kept=_KEPT)
    h.finitialize(*([h.v_init] if hasattr(h, "v_init") else []))
    values = [_values(blocks)]
    objects = {name: len(hoc_objects(name)) for name in _COUNTED}
    numbers = [list(vector) for vector in hoc_objects("Vector")]
    state = saved_here().to_bytes().hex()
    for _ in range(_STEPS):
        h.fadvance()
        values.append(_values(blocks))
    numbers += [[random.repick() for _ in range(2)] for random in hoc_objects("Random")]
    return {"values": values, "objects": objects, "numbers": repr(numbers), "state": state}


def _values(blocks: Iterable[Block]) -> list[float]:
    return [value for block in blocks for value in block.values()]


def _forget_handlers() -> None:
    library = neuron_library()
    if library is None:
        raise ChildFailedError("NEURON's library is not to be had")
    lists = (ctypes.c_void_p * 12).in_dll(library, _LISTS)
    for k in range(0, 12, 3):
        lists[k + 1] = lists[k]  # end = begin
