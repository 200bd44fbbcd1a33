"""The init() of a script, if it is not the one of stdrun.hoc, as phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from neuron import h

from mod_translator import ir
from nrn_diff.bridge.clock import Clock
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.own_init import objects, statements
from nrn_diff.bridge.own_init.check import Replay, difference, prepare, run_users, state
from nrn_diff.bridge.own_init.constants import with_constants
from nrn_diff.bridge.own_init.log import Log
from nrn_diff.bridge.own_init.machine import Machine
from nrn_diff.bridge.own_init.phases import make_phases
from nrn_diff.bridge.own_init.places import Places
from nrn_diff.bridge.own_init.values import NotFollowedError
from nrn_diff.bridge.stdrun import redefined_procedures
from nrn_diff.own_init import OwnInit, Phase
from nrn_diff.snapshot import Capture

_WAYS_OUT = (
    "call it once, so that what it sets is set, then give NEURON's back: "
    "h.init(); h('proc init() { finitialize(v_init) }'); what it computed from parameters will not follow them; "
    "or run the script as it is, with nrn-diff run or nrn_diff.enable(), which let NEURON execute it"
)


def with_own_init(
    capture: Capture, inventory: Inventory, lowered: Mapping[str, ir.Mechanism], clock: Clock, findings: Findings
) -> Capture:
    """The capture with `read_own_init` and the numbers that it sets."""
    own = read_own_init(inventory, lowered, clock, findings)
    return with_constants(replace(capture, notes=findings.notes), own)


def read_own_init(
    inventory: Inventory, lowered: Mapping[str, ir.Mechanism], clock: Clock, findings: Findings
) -> OwnInit | None:
    """What an init() that replaces NEURON's does in the next h.run(); None if there is none, or it is refused.

    Nothing in this process changes. With CVODE, which is refused by itself, init() does something else: None too.
    """
    if "init" not in (redefined_procedures() or ()) or h.CVode().active():
        return None
    places = Places(inventory, lowered)
    try:
        own = _followed(places, clock)
        findings.note(f"h.run() calls the init() of the script, which is part of the model: {own}")
        return own
    except NotFollowedError as reason:
        findings.refuse(
            "procedure init() of stdrun.hoc is redefined",
            "the model's HOC code",
            f"h.run() executes it, and its effect is not known for other parameters: init() {reason}",
            _WAYS_OUT,
        )
    return None


def _followed(places: Places, clock: Clock) -> OwnInit:
    found = _copied(partial(_follow, places, clock))
    phases = make_phases(found["facts"], places)
    users = _copied(partial(_left_by_users, places, clock))
    different = _copied(partial(_compare, phases, users, places, clock))
    if different:
        raise NotFollowedError(f"was followed, but NEURON makes something else of {different} than the phases do")
    return OwnInit(phases, tuple(sorted(found["overwritten"])), tuple(sorted(found["fixed"])))


def _copied(function: Callable[[], Any]) -> Any:
    def run() -> dict[str, Any]:
        try:
            return {"result": function()}
        except NotFollowedError as reason:
            return {"reason": str(reason)}
        except RuntimeError as error:  # of NEURON
            return {"reason": f"ends in an error of NEURON's: {error}"}

    try:
        answer = in_copy(run)
    except ChildFailedError as error:
        raise NotFollowedError(f"could not be tried out in a copy of the process: {error}") from None
    if "reason" in answer:
        raise NotFollowedError(answer["reason"])
    return answer["result"]


def _follow(places: Places, clock: Clock) -> dict[str, Any]:
    """In a copy: what init() does, and that it leaves the run as it found it."""
    prepare(clock.dt, clock.tstop)
    log = Log(places)
    machine = Machine(places, log)
    machine.learn({**statements.TABLE, **objects.TABLE})
    before = state(places)
    machine.call("init", [])
    log.finish()
    if not any(fact[0] == "initialise" for fact in log.facts):
        raise NotFollowedError("does not call finitialize()")
    if h.t != 0:
        raise NotFollowedError(f"leaves t = {h.t:g} ms; a captured run starts at t = 0")
    if h.dt != clock.dt:
        raise NotFollowedError(f"leaves dt = {h.dt:g} ms (it was {clock.dt:g})")
    after = state(places)
    unchanged = {k: (before["run"][k], after["run"][k]) for k in range(1, len(before["run"]))}
    if any(x != y for x, y in unchanged.values()) or before["shape"] != after["shape"]:
        raise NotFollowedError("changes tstop, v_init, secondorder, steps_per_ms, celsius or a shape")
    return {"facts": log.facts, "fixed": list(log.fixed), "overwritten": list(log.overwritten - {"v"})}


def _left_by_users(places: Places, clock: Clock) -> dict[str, Any]:
    prepare(clock.dt, clock.tstop)
    return run_users(places)


def _compare(phases: tuple[Phase, ...], users: Mapping[str, Any], places: Places, clock: Clock) -> str:
    prepare(clock.dt, clock.tstop)
    ours = Replay(places).run(phases)
    return "a branch" if ours is None else difference(users, ours, places)
