"""Variables that HOC cannot read: what a run leaves in them for the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.live import times_initialised
from nrn_diff.solver.resume import follows_from_nothing, initial_variables, needed_at_start
from nrn_diff.solver.structure import MechanismStructure, Structure
from nrn_diff.solver.values import Fixed, State, Values

_SAME = 1e-9  # of a variable after INITIAL here and in NEURON, relative


@dataclass
class Hidden:
    """Variables that HOC cannot read, as a run left them: mechanism -> name -> values. Valid at (initialised, t).

    instances: of which mechanisms. What is recorded may be another in the next run.
    """

    initialised: int | None
    t: float
    instances: tuple[Any, ...]
    values: dict[str, dict[str, Any]]


def lost(structure: Structure, values: Values) -> dict[str, list[str]]:
    """By mechanism: those that a step changes and the next one needs, and that NEURON does not get."""
    return {m.name: sorted(needed_at_start(m).intersection(_unread(m, values))) for m in structure.mechanisms}


def _unread(mechanism: MechanismStructure, values: Values) -> list[str]:
    """Variables of a mechanism that change in a step and that were not read from NEURON."""
    known = values.mechanisms[mechanism.name]
    return [n for n in mechanism.state if n not in known and n not in mechanism.own_currents]


def left_behind(structure: Structure, values: Values, fixed: Fixed, state: State, t: float) -> Hidden:
    """What the next run needs of this one, which ended at t (ms)."""
    left: dict[str, dict[str, Any]] = {}
    for m in structure.mechanisms:
        changing = _unread(m, values)
        constant = [n for n in needed_at_start(m) - set(m.state) if n not in values.mechanisms[m.name]]
        if changing or constant:
            left[m.name] = {n: state.mechanisms[m.name][n] for n in changing}
            left[m.name] |= {n: fixed.mechanisms[m.name][n] for n in constant}
    return Hidden(times_initialised(), t, _instances(structure), left)


def _instances(structure: Structure) -> tuple[Any, ...]:
    """Which mechanisms there are, and where each instance is in the arrays."""
    return tuple((m.name, m.ir, m.node.target.tobytes(), m.order.tobytes()) for m in structure.mechanisms)


def hidden_at_start(
    before: Hidden | None, structure: Structure, values: Values, findings: Findings
) -> Mapping[str, dict[str, Any]]:
    """What the next step needs of them: from the run before, or from INITIAL if it is NEURON's."""
    needed = {
        m.name: [n for n in needed_at_start(m) if n not in values.mechanisms[m.name]] for m in structure.mechanisms
    }
    if not any(needed.values()):
        return {}
    if before is not None and before.instances == _instances(structure) and before.initialised == times_initialised():
        if before.t == h.t:
            return before.values
    elif h.t == 0:
        # Where INITIAL makes them of nothing, it does not matter what the user has changed since.
        if not follows_from_nothing(structure, values, needed):
            _compare_initial(structure, values, {m for m, names in needed.items() if names}, findings)
        return {}
    for m, names in needed.items():
        for name in names:
            findings.refuse(
                f"{name} of mechanism {m}",
                structure.mechanism(m).ir.file,
                "HOC cannot read it, and NEURON itself has made steps since finitialize",
                f"start this run with finitialize, or make {name} RANGE",
            )
    return {}


def _compare_initial(structure: Structure, values: Values, names: set[str], findings: Findings) -> None:
    """The translated INITIAL must give what NEURON's gave, where HOC can read it."""
    made = jax.device_get(initial_variables(structure, values))
    for m in structure.mechanisms:
        if m.name not in names or "initial" not in m.blocks:
            continue
        for name in m.blocks["initial"].outputs:
            live = values.mechanisms[m.name].get(name)
            if live is None or name not in made[m.name]:
                continue
            here, there = np.asarray(made[m.name][name]), np.asarray(live)
            if not np.allclose(here, there, rtol=_SAME, atol=1e-12 * float(np.abs(there).max(initial=1.0))):
                findings.refuse(
                    f"variables of mechanism {m.name} that HOC cannot read",
                    m.ir.file,
                    f"they are known from INITIAL only, and {name} is not any more what INITIAL gives",
                    "make them RANGE, or change states after finitialize in another way",
                )
                break
