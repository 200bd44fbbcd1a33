"""HOC channels (KSChan objects) of the live process, read through their HOC interface."""

from __future__ import annotations

from typing import Any

from neuron import h

from mod_translator import kschan
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.reference import reference

_ION = "_ion"


class UnreadableChannelError(Exception):
    """A channel that cannot be read; the message says why."""


def is_channel(name: str) -> bool:
    """Whether a mechanism without NMODL text is a KSChan of that name."""
    return _find(name) is not None


def read_channel(name: str) -> kschan.Channel | None:
    """The channel of that name; None if there is none. Raises UnreadableChannelError for a stochastic one."""
    channel = _find(name)
    if channel is None:
        return None
    if channel.single():
        raise UnreadableChannelError("its single-channel mode (single(1)) is stochastic")
    try:  # in a copy, for asking makes HOC objects of states and transitions
        data = in_copy(lambda: _describe(channel))
    except ChildFailedError as error:
        raise UnreadableChannelError(f"its structure cannot be read ({error})") from error
    return _channel(name, data)


def _find(name: str) -> Any:
    return next((channel for channel in h.List("KSChan") if channel.name() == name), None)


def _describe(channel: Any) -> dict[str, Any]:
    ion = channel.ion()
    specific = ion != "NonSpecific"
    low, high = reference(0.0), reference(0.0)
    size = int(channel.usetable(low, high))
    return {
        "is_point": bool(channel.is_point()),
        "ion": ion if specific else "",
        "charge": float(h.ion_charge(ion + _ION)) if specific else 0.0,
        "model": int(channel.iv_type()),
        "gmax": float(channel.gmax()),
        "erev": float(channel.erev()),
        "states": [[s.name(), float(s.frac())] for s in map(channel.state, range(int(channel.nstate())))],
        "gates": [
            [int(g.sindex()), int(g.nstate()), int(g.power())] for g in map(channel.gate, range(int(channel.ngate())))
        ],
        "transitions": [_transition(t) for t in map(channel.trans, range(int(channel.ntrans())))],
        "table": [size, float(low[0]), float(high[0])] if channel.usetable() else None,
    }


def _transition(transition: Any) -> dict[str, Any]:
    kind = int(transition.type())
    return {
        "source": int(transition.src().index()),
        "target": int(transition.target().index()),
        "kind": kind,
        "functions": [_function(transition, which) for which in (0, 1)],
        "ligand": transition.ligand() if kind >= kschan.LIGAND_OUTSIDE else "",
        "stoichiometry": int(transition.stoichiometry()),
    }


def _function(transition: Any, which: int) -> list[Any]:
    kind = int(transition.ftype(which))
    if kind < 0:
        return [kind, [], 0.0, 0.0]
    low, high = reference(0.0), reference(0.0)
    parameters = transition.parm(which, low, high)
    return [kind, [float(x) for x in parameters], float(low[0]), float(high[0])]


def _channel(name: str, data: dict[str, Any]) -> kschan.Channel:
    functions = [
        [kschan.Function(kind, tuple(values), low, high) for kind, values, low, high in t["functions"]]
        for t in data["transitions"]
    ]
    return kschan.Channel(
        name=name,
        is_point=data["is_point"],
        ion=data["ion"],
        charge=data["charge"],
        model=data["model"],
        gmax=data["gmax"],
        erev=data["erev"],
        states=tuple(kschan.State(n, fraction) for n, fraction in data["states"]),
        gates=tuple(kschan.Gate(*gate) for gate in data["gates"]),
        transitions=tuple(
            kschan.Transition(t["source"], t["target"], t["kind"], first, second, t["ligand"], t["stoichiometry"])
            for t, (first, second) in zip(data["transitions"], functions, strict=True)
        ),
        table=kschan.Table(*data["table"]) if data["table"] else None,
    )
