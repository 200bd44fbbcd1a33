"""Whether neuron.rxd takes part in a run. It hooks itself into NEURON when imported; Section.psection() imports it."""

from __future__ import annotations

import sys
from typing import Any


def _loaded(name: str) -> Any:
    return sys.modules.get(f"neuron.{name}")


def is_idle() -> bool:
    """True if neuron.rxd is loaded and nothing uses its hook into NEURON's step: no species, no solver in Python."""
    species, supervisor = _loaded("rxd.species"), _loaded("nonvint_block_supervisor")
    if species is None or (supervisor is not None and supervisor.call):
        return False
    return all(reference() is None for reference in species._all_species)


def own_handlers() -> set[str]:
    """Names of the FInitializeHandlers that importing neuron.rxd makes."""
    module = _loaded("rxd.rxd")
    return set() if module is None else {module._fih_transfer_ecs.hname()}
