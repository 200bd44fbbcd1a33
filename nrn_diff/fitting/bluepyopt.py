"""BluePyOpt's way of writing a fit: parameters, protocols and features in its JSON formats, as plain data.

Two shapes are read: those of BluePyOpt's examples (a list of parameters with param_name, sectionlist, bounds or value;
stimuli as a list) and those of EModelRunner (parameters by location with name and val; stimuli by name). What has no
counterpart here is collected, and refused all at once.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from . import features
from .errors import FitError
from .protocols import Target

# Which sections a list of BluePyOpt's means, by the names that its cells give them.
_KINDS = {
    "somatic": ("soma",),
    "basal": ("dend",),
    "apical": ("apic",),
    "axonal": ("axon",),
    "myelinated": ("myelin",),
    "somadend": ("soma", "dend", "apic"),
    "somaxon": ("soma", "axon"),
    "allact": ("soma", "dend", "apic", "axon"),
    "alldend": ("dend", "apic"),
    "all": ("soma", "dend", "apic", "axon", "myelin"),
}
_FEATURES: dict[str, tuple[type, dict[str, Any]]] = {
    "voltage_base": (features.RestingPotential, {}),
    "steady_state_voltage_stimend": (features.SteadyState, {}),
    "ohmic_input_resistance_vb_ssse": (features.InputResistance, {}),
    "Spikecount": (features.SoftSpikeCount, {}),
    "spike_count": (features.SoftSpikeCount, {}),
    "peak_voltage": (features.PeakVoltage, {}),
    "AP_amplitude": (features.SpikeAmplitude, {}),
    "AP1_amp": (features.SpikeAmplitude, {"which": 0}),
    "AP2_amp": (features.SpikeAmplitude, {"which": 1}),
    "AP_begin_voltage": (features.ThresholdVoltage, {}),
    "AP_duration_half_width": (features.SpikeWidth, {}),
    "AHP_depth_abs": (features.AHPVoltage, {}),
    "AHP_depth": (features.AHPDepth, {}),
    "time_to_first_spike": (features.SpikeTime, {"which": 0}),
}


@dataclass(frozen=True)
class Number:
    """A parameter. location: '' for a global. value: fixed; bounds: to fit. along: (distance, value) -> value."""

    name: str
    location: str
    value: float | None = None
    bounds: tuple[float, float] | None = None
    along: Callable[[Any, Any], Any] | None = None

    @property
    def label(self) -> str:
        """As BluePyOpt names it: 'gIhbar_Ih.apical'."""
        return f"{self.name}.{self.location}" if self.location else self.name

    def is_in(self, section: str) -> bool:
        """Whether a section, by its name, belongs to the location."""
        base = re.sub(r"\[\d+\]$", "", section.rsplit(".", 1)[-1])
        return base in _KINDS[self.location]


@dataclass(frozen=True)
class Stimulus:
    """A step of current at the soma (ms, nA)."""

    delay: float
    duration: float
    amp: float


@dataclass(frozen=True)
class Fit:
    """What the files say. protocols: name -> stimuli; tstop (ms): the longest of them."""

    numbers: tuple[Number, ...]
    protocols: Mapping[str, tuple[Stimulus, ...]]
    targets: tuple[Target, ...]
    tstop: float
    left_out: tuple[str, ...] = field(default=())


def read(parameters: Path, protocols: Path, targets: Path, label: str, *, skip: bool = False) -> Fit:
    """Read the three files; label: of the voltage of the soma, 'Cell[0].soma[0](0.5).v'.

    Raises FitError with all that has no counterpart here, or leaves it out if `skip` is true (`Fit.left_out`).
    """
    problems: list[str] = []
    numbers = tuple(_numbers(_load(parameters), problems))
    stimuli, tstop = _protocols(_load(protocols), problems)
    found = tuple(_targets(_load(targets), stimuli, label, problems))
    if problems and not skip:
        raise FitError("not supported, or set skip = true to leave it out:\n    " + "\n    ".join(problems))
    if not found:
        raise FitError(f"{targets}: no feature is left of a protocol that can be run")
    used = {t.protocol for t in found}
    return Fit(numbers, {k: v for k, v in stimuli.items() if k in used}, found, tstop, tuple(problems))


def formula(text: str) -> Callable[[Any, Any], Any]:
    """'(-0.8696 + 2.087*math.exp(({distance})*0.0031))*{value}' as a function of jax.numpy (distance, value).

    Only arithmetic and functions of `math` are read; nothing is executed. Raises FitError for anything else.
    """
    plain = text.replace("{distance}", "distance").replace("{value}", "value")
    try:
        tree = ast.parse(plain, mode="eval").body
        _evaluate(tree, {"distance": jnp.ones(1), "value": jnp.ones(())})
    except (SyntaxError, FitError) as error:
        raise FitError(f"distribution {text!r}: {error}") from None
    return lambda distance, value: _evaluate(tree, {"distance": distance, "value": value}) + 0.0 * distance


_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": jnp.exp,
    "log": jnp.log,
    "sqrt": jnp.sqrt,
    "tanh": jnp.tanh,
    "pow": jnp.power,
}


def _evaluate(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(float() | int() as value):
            return value
        case ast.Name(name) if name in names:
            return names[name]
        case ast.Attribute(ast.Name("math"), "pi"):
            return math.pi
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, names), _evaluate(right, names))
        case ast.UnaryOp(op, operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(operand, names))
        case ast.Call(ast.Attribute(ast.Name("math"), name), args, []) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_evaluate(arg, names) for arg in args))
    raise FitError(f"{ast.unparse(node)!r} is not arithmetic of distance and value")


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FitError(f"{path} cannot be read: {error}") from error


def _entries(data: Any) -> Iterable[tuple[str, dict[str, Any], Mapping[str, Any]]]:
    """(location, entry as in BluePyOpt's list, distributions) of either shape."""
    if isinstance(data, list):
        for entry in data:
            yield entry.get("sectionlist", ""), {**entry, "name": entry["param_name"]}, {}
        return
    known = data.get("distributions", {})
    for location, entries in data["parameters"].items():
        if isinstance(entries, list):
            for entry in entries:
                value = entry["val"]
                sides = {"bounds": value} if isinstance(value, list) else {"value": value}
                yield ("" if location == "global" else location), {"name": entry["name"], **sides, **entry}, known


def _numbers(data: Any, problems: list[str]) -> Iterable[Number]:
    for location, entry, distributions in _entries(data):
        name = entry["name"]
        where = f"parameter {name} of {location or 'the whole model'}"
        if location.startswith("distribution_"):
            problems.append(f"{where}: a parameter of a distribution, shared by several")
            continue
        if location and location not in _KINDS:
            problems.append(f"{where}: the list of sections is not known")
            continue
        text = entry.get("dist")
        along = None
        if text not in (None, "uniform"):
            named = distributions.get(text)
            if named is not None and named.get("parameters"):
                problems.append(f"{where}: its distribution {text!r} has parameters of its own")
                continue
            try:
                along = formula(named["fun"] if named else text)
            except FitError as error:
                problems.append(f"{where}: {error}")
                continue
        bounds = tuple(float(x) for x in entry["bounds"]) if "bounds" in entry else None
        value = None if bounds else float(entry["value"])
        yield Number(name, location, value, bounds, along)  # type: ignore[arg-type]


def _protocols(data: Any, problems: list[str]) -> tuple[dict[str, tuple[Stimulus, ...]], float]:
    out, tstop = {}, 0.0
    for name, protocol in data.items():
        stimuli = protocol.get("stimuli", ())
        steps = list(stimuli.values()) if isinstance(stimuli, dict) else list(stimuli)
        numeric = all(isinstance(s, dict) and isinstance(s.get("amp"), int | float) for s in steps)
        if protocol.get("type", "StepProtocol") != "StepProtocol" or not steps or not numeric:
            problems.append(f"protocol {name} ({protocol.get('type')}): only steps of given currents can be run")
            continue
        out[name] = tuple(Stimulus(float(s["delay"]), float(s["duration"]), float(s["amp"])) for s in steps)
        tstop = max(tstop, *(float(s.get("totduration", s["delay"] + s["duration"])) for s in steps))
    return out, tstop


def _targets(
    data: Any, protocols: Mapping[str, tuple[Stimulus, ...]], label: str, problems: list[str]
) -> Iterable[Target]:
    for protocol, places in data.items():
        if protocol not in protocols:
            problems.append(f"features of {protocol}: its protocol cannot be run")
            continue
        step = protocols[protocol][0]
        for place, given in places.items():
            entries = given if isinstance(given, list) else [{"feature": k, "val": v} for k, v in given.items()]
            for entry in entries:
                name = entry["feature"]
                if name not in _FEATURES or place not in ("soma", "soma.v"):
                    problems.append(f"feature {name} at {place} of {protocol}: there is none here")
                    continue
                kind, options = _FEATURES[name]
                extra = {"current": step.amp} if kind is features.InputResistance else {}
                feature = kind(label, step.delay, step.delay + step.duration, **options, **extra)
                mean, std = (float(x) for x in entry["val"][:2])
                yield Target(feature, mean, std, float(entry.get("weight", 1.0)), protocol)
