"""The init(), stdinit() or run() of a script, where it is not the one of stdrun.hoc, as phases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from neuron import h

from mod_translator import ir
from nrn_diff.bridge.clock import Clock
from nrn_diff.bridge.findings import AS_IT_IS, Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.own_init import objects, statements
from nrn_diff.bridge.own_init.check import Replay, difference, prepare, run_users, state
from nrn_diff.bridge.own_init.constants import with_constants
from nrn_diff.bridge.own_init.log import SET_IN_A_RUN, Log
from nrn_diff.bridge.own_init.machine import Machine
from nrn_diff.bridge.own_init.phases import make_phases
from nrn_diff.bridge.own_init.places import Places
from nrn_diff.bridge.own_init.values import NotFollowedError
from nrn_diff.bridge.stdrun import PROCEDURES, redefined_procedures, stock_text
from nrn_diff.bridge.variables import move
from nrn_diff.own_init import OwnInit, Phase, Steps
from nrn_diff.snapshot import Capture

# What h.run() executes before its first step, from the outermost inward.
FOLLOWED = ("run", "stdinit", "init")


def with_own_init(
    capture: Capture, inventory: Inventory, lowered: Mapping[str, ir.Mechanism], clock: Clock, findings: Findings
) -> Capture:
    """The capture with `read_own_init` and the numbers that it sets."""
    own = read_own_init(inventory, lowered, clock, findings)
    return with_constants(replace(capture, notes=findings.notes), own)


def read_own_init(
    inventory: Inventory, lowered: Mapping[str, ir.Mechanism], clock: Clock, findings: Findings
) -> OwnInit | None:
    """What happens before the first step of the next h.run(), where the script has its own init(), stdinit() or run().

    None if it has none, or if it is refused. Nothing in this process changes. With CVODE, which is refused by itself,
    init() does something else: None too.
    """
    redefined = redefined_procedures() or ()
    name = next((n for n in FOLLOWED if n in redefined), None)
    if name is None or h.CVode().active():
        return None
    places = Places(inventory, lowered)
    try:
        own = _followed(places, clock, name, redefined)
        findings.note(f"h.run() calls the {name}() of the script, which is part of the model: {own}")
        return own
    except NotFollowedError as reason:
        findings.refuse(
            f"procedure {name}() of stdrun.hoc is redefined",
            "the model's HOC code",
            f"h.run() executes it, and its effect is not known for other parameters: {name}() {reason}",
            _ways_out(name),
        )
    return None


def _ways_out(name: str) -> str:
    if name == "init":
        return (
            "call it once, so that what it sets is set, then give NEURON's back: h.init(); "
            "h('proc init() { finitialize(v_init) }'); what it computed from parameters will not follow them; "
            + AS_IT_IS
        )
    neurons = f"h({' '.join(stock_text(name).split())!r})"
    return f"put what it does before the first step into init(), and give NEURON's back: {neurons}; {AS_IT_IS}"


def _followed(places: Places, clock: Clock, name: str, redefined: Sequence[str]) -> OwnInit:
    found = _copied(partial(_follow, places, clock, name, redefined))
    phases = make_phases(found["facts"], places)
    with_steps = any(isinstance(phase, Steps) for phase in phases)
    kept = {name.rpartition(".")[2] for name in found["fixed"]}

    def compare(moved: Callable[[], None]) -> str | None:
        users = _copied(partial(_left_by_users, places, clock, name, with_steps, moved))
        different: str | None = _copied(partial(_compare, phases, users, places, clock, moved))
        return different

    different = compare(lambda: None)
    if different:
        raise NotFollowedError(f"was followed, but NEURON makes something else of {different} than the phases do")
    if different is None:
        raise NotFollowedError("was followed, but NEURON takes another branch than the phases do")
    # What is set to what it is already is seen with other numbers only. A zero may be a switch, and a branch may turn.
    for zeros in (True, False):
        try:
            different = compare(partial(_move, places, kept, zeros=zeros))
        except NotFollowedError:
            continue
        if different:
            raise NotFollowedError(f"does something to {different} with other parameters that was not followed")
        if different is not None:
            break
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


def _follow(places: Places, clock: Clock, name: str, redefined: Sequence[str]) -> dict[str, Any]:
    """In a copy: what it does, and that it leaves the run as it found it."""
    prepare(clock.dt, clock.tstop)
    log = Log(places)
    machine = Machine(places, log, [n for n in PROCEDURES if n not in redefined])
    machine.learn({**statements.TABLE, **objects.TABLE})
    machine.following_run = name == "run"
    before = state(places)
    machine.call(name, [])
    log.finish()
    if not any(fact[0] == "initialise" for fact in log.facts):
        raise NotFollowedError("does not call finitialize()")
    _check_time(machine, clock)
    if h.dt != clock.dt:
        raise NotFollowedError(f"leaves dt = {h.dt:g} ms (it was {clock.dt:g})")
    after = state(places)
    unchanged = {k: (before["run"][k], after["run"][k]) for k in range(1, len(before["run"]))}
    if any(x != y for x, y in unchanged.values()) or before["shape"] != after["shape"]:
        raise NotFollowedError("changes tstop, v_init, secondorder, steps_per_ms or a shape")
    return {"facts": log.facts, "fixed": list(log.fixed), "overwritten": list(log.overwritten - {"v"})}


def _check_time(machine: Machine, clock: Clock) -> None:
    if machine.following_run:
        if abs(h.t - clock.tstop) > clock.dt / 2:
            raise NotFollowedError(f"ends at t = {h.t:g} ms; a captured run goes from t = 0 to tstop = {clock.tstop:g}")
    elif h.t != 0:
        raise NotFollowedError(
            f"leaves t = {h.t:g} ms, and a captured run starts at t = 0 (let init() end with t = 0, and take as much "
            "from tstop and from all times of stimuli)"
        )


def _move(places: Places, kept: Collection[str], *, zeros: bool) -> None:
    """Other numbers, of all that phases can set."""
    settable = [b for b in places.blocks if b.size and (r := b.at(0)[1]) is not None and r.kind in SET_IN_A_RUN]
    move(settable, zeros=zeros, kept=kept)
    h.v_init *= 1.001


def _left_by_users(
    places: Places, clock: Clock, name: str, with_steps: bool, moved: Callable[[], None]
) -> dict[str, Any]:
    prepare(clock.dt, clock.tstop)
    moved()
    return run_users(places, name, with_steps=with_steps)


def _compare(
    phases: tuple[Phase, ...], users: Mapping[str, Any], places: Places, clock: Clock, moved: Callable[[], None]
) -> str | None:
    """The first variable that differs, '' if none does; None where a branch turns."""
    prepare(clock.dt, clock.tstop)
    moved()
    ours = Replay(places).run(phases)
    return None if ours is None else difference(users, ours, places)
