"""BluePyOpt's way of writing a fit: parameters, protocols and features in its JSON formats, as plain data.

Two shapes are read: those of BluePyOpt's l5pc example (a list of parameters with param_name, sectionlist, bounds or
value; stimuli as a list; features as name -> [mean, std]) and those of EModelRunner and the thalamocortical example
(parameters by location with name and val; stimuli by name; features as a list). What has no counterpart here is
collected, and refused all at once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import features, trains
from .arithmetic import formula
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
    "sag_amplitude": (trains.SagAmplitude, {}),
    "maximum_voltage_from_voltagebase": (trains.HighestAboveRest, {}),
    "voltage_after_stim": (trains.VoltageAfterStimulus, {}),
    "Spikecount": (features.SoftSpikeCount, {}),
    "spike_count": (features.SoftSpikeCount, {}),
    "Spikecount_stimint": (features.SoftSpikeCount, {"strict": True}),
    "spike_count_stimint": (features.SoftSpikeCount, {"strict": True}),
    "peak_voltage": (features.PeakVoltage, {}),
    "AP_height": (features.PeakVoltage, {}),
    # eFEL takes spikes of the stimulus for these whatever its setting.
    "AP_amplitude": (features.SpikeAmplitude, {"strict": True}),
    "AP1_amp": (features.SpikeAmplitude, {"which": 0, "strict": True}),
    "AP2_amp": (features.SpikeAmplitude, {"which": 1, "strict": True}),
    "AP_amplitude_from_voltagebase": (trains.HeightAboveRest, {}),
    "AP_begin_voltage": (features.ThresholdVoltage, {}),
    "AP_duration_half_width": (features.SpikeWidth, {}),
    "AP_width": (trains.WidthAtThreshold, {}),
    "AHP_depth_abs": (features.AHPVoltage, {}),
    "AHP_depth": (features.AHPDepth, {}),
    "AHP_depth_abs_slow": (trains.SlowAHPVoltage, {}),
    "AHP_slow_time": (trains.SlowAHPTime, {}),
    "time_to_first_spike": (trains.PeakTime, {"which": 0}),
    "doublet_ISI": (trains.InterspikeInterval, {}),
    "inv_first_ISI": (trains.InstantaneousRate, {"which": 0}),
    "inv_second_ISI": (trains.InstantaneousRate, {"which": 1}),
    "inv_third_ISI": (trains.InstantaneousRate, {"which": 2}),
    "inv_fourth_ISI": (trains.InstantaneousRate, {"which": 3}),
    "inv_fifth_ISI": (trains.InstantaneousRate, {"which": 4}),
    "inv_last_ISI": (trains.InstantaneousRate, {"which": -1}),
    "ISI_CV": (trains.IntervalVariation, {}),
    "adaptation_index2": (trains.Adaptation, {}),
    "mean_frequency": (trains.MeanFrequency, {}),
}
# mV: what the evaluators of those examples take for a spike; at the soma and elsewhere, and in lists of features.
_THRESHOLD, _THRESHOLD_ELSEWHERE, _THRESHOLD_OF_LISTS = -20.0, -55.0, -30.0
# ms between spikes, at least: how many are looked at follows from it.
_SHORTEST_INTERVAL, _MOST = 10.0, 400


@dataclass(frozen=True)
class Number:
    """A parameter. location: '' for a global. value: fixed; bounds: to fit.

    along: (distance, value, ...) -> value, whose further arguments are the coefficients: fixed, or bounds to fit.
    """

    name: str
    location: str
    value: float | None = None
    bounds: tuple[float, float] | None = None
    along: Callable[..., Any] | None = None
    coefficients: tuple[float | tuple[float, float], ...] = ()

    @property
    def label(self) -> str:
        """As BluePyOpt names it: 'gIhbar_Ih.apical'."""
        return f"{self.name}.{self.location}" if self.location else self.name

    @property
    def numbers(self) -> tuple[float | tuple[float, float], ...]:
        """The value and the coefficients: each fixed, or between bounds."""
        if self.bounds is not None:
            return (self.bounds, *self.coefficients)
        assert self.value is not None
        return (self.value, *self.coefficients)

    @property
    def free(self) -> tuple[tuple[float, float], ...]:
        """Bounds of those that are fitted."""
        return tuple(x for x in self.numbers if isinstance(x, tuple))

    def filled(self, free: Any) -> list[Any]:
        """Value and coefficients, with numbers in place of bounds."""
        rest = iter(free)
        return [next(rest) if isinstance(x, tuple) else x for x in self.numbers]

    def is_in(self, section: str) -> bool:
        """Whether a section, by its name, belongs to the location."""
        return is_of(section, self.location)


def is_of(section: str, location: str) -> bool:
    """Whether a section, by its name, belongs to a list of sections."""
    return re.sub(r"\[\d+\]$", "", section.rsplit(".", 1)[-1]) in _KINDS[location]


@dataclass(frozen=True)
class Stimulus:
    """A step of current at the soma (ms, nA)."""

    delay: float
    duration: float
    amp: float


@dataclass(frozen=True)
class Place:
    """Where a variable is recorded: in the middle of the soma, or at a distance from it (um) or a place in a section.

    location: a list of sections. index, x: of the section in it, and in the section.
    """

    variable: str = "v"
    location: str = "somatic"
    distance: float | None = None
    index: int = 0
    x: float = 0.5


@dataclass(frozen=True)
class Fit:
    """What the files say. protocols: name -> stimuli; labels: what is recorded; tstop (ms): the longest protocol."""

    numbers: tuple[Number, ...]
    protocols: Mapping[str, tuple[Stimulus, ...]]
    targets: tuple[Target, ...]
    labels: tuple[str, ...]
    tstop: float
    left_out: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Protocol:
    stimuli: tuple[Stimulus, ...]
    end: float
    places: Mapping[str, Place]


def read(parameters: Path, protocols: Path, targets: Path, label: Callable[[Place], str], *, skip: bool = False) -> Fit:
    """Read the three files. label: of a place in the model, 'Cell[0].soma[0](0.5).v'; FitError if there is none.

    Raises FitError with all that has no counterpart here, or leaves it out if `skip` is true (`Fit.left_out`).
    """
    problems: list[str] = []
    with _reading(parameters) as data:
        numbers = tuple(_numbers(data, problems))
    with _reading(protocols) as data:
        known = _protocols(data, problems)
    with _reading(targets) as data:
        labels: list[str] = []
        found = tuple(_targets(data, known, lambda place: _kept(labels, label(place)), problems))
    if problems and not skip:
        raise FitError("not supported, or set skip = true to leave it out:\n    " + "\n    ".join(problems))
    if not found:
        raise FitError(f"{targets}: no feature is left of a protocol that can be run")
    if not any(number.free for number in numbers):
        raise FitError(f"{parameters}: no parameter is left that has bounds")
    used = {t.protocol: known[t.protocol] for t in found}
    tstop = max(p.end for p in used.values())
    stimuli = {k: p.stimuli for k, p in used.items()}
    return Fit(numbers, stimuli, found, tuple(dict.fromkeys(labels)), tstop, tuple(problems))


def _kept(labels: list[str], label: str) -> str:
    labels.append(label)
    return label


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FitError(f"{path} cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise FitError(f"{path}:{error.lineno}: no JSON: {error.msg}") from error
    except KeyError as error:
        raise FitError(f"{path}: an entry has no {error.args[0]!r}, so it is no such file of BluePyOpt's") from error
    except (TypeError, AttributeError, ValueError, IndexError) as error:
        raise FitError(f"{path}: no such file of BluePyOpt's: {error}") from error


def _entries(data: Any) -> Iterable[tuple[str, dict[str, Any]]]:
    """(location, entry as in BluePyOpt's list) of either shape."""
    if isinstance(data, list):
        for entry in data:
            yield entry.get("sectionlist", ""), {**entry, "name": entry["param_name"]}
        return
    for location, entries in data["parameters"].items():
        if isinstance(entries, list):
            for entry in entries:
                value = entry["val"]
                sides = {"bounds": value} if isinstance(value, list) else {"value": value}
                yield ("" if location == "global" else location), {"name": entry["name"], **sides, **entry}


def _numbers(data: Any, problems: list[str]) -> Iterable[Number]:
    distributions = data.get("distributions", {}) if isinstance(data, dict) else {}
    entries = list(_entries(data))
    shared = Counter(entry.get("dist") for _, entry in entries)
    own = {(place, e["name"]): _value(e) for place, e in entries if place.startswith("distribution_")}
    for location, entry in entries:
        name, text = entry["name"], entry.get("dist")
        if location.startswith("distribution_"):
            continue
        where = f"parameter {name} of {location or 'the whole model'}"
        if location and location not in _KINDS:
            problems.append(f"{where}: the list of sections is not known")
            continue
        value, along = _value(entry), None
        coefficients: tuple[float | tuple[float, float], ...] = ()
        if text not in (None, "uniform"):
            named = distributions.get(text, {"fun": text})
            names = list(map(str, named.get("parameters", [])))
            coefficients = tuple(own[f"distribution_{text}", x] for x in names)
            if shared[text] > 1 and any(isinstance(x, tuple) for x in coefficients):
                problems.append(f"{where}: fitted parameters of its distribution {text!r} are those of others as well")
                continue
            try:
                along = formula(named["fun"], names)
            except FitError as error:
                problems.append(f"{where}: {error}")
                continue
        fixed, bounds = (None, value) if isinstance(value, tuple) else (value, None)
        yield Number(name, location, fixed, bounds, along, coefficients)


def _value(entry: Mapping[str, Any]) -> float | tuple[float, float]:
    if "bounds" not in entry:
        return float(entry["value"])
    low, high = entry["bounds"]
    return float(low), float(high)


def _protocols(data: Any, problems: list[str]) -> dict[str, _Protocol]:
    out = {}
    for name, protocol in data.items():
        if name.startswith("__"):
            continue
        stimuli = protocol.get("stimuli", ())
        # The step comes first: features are those of its window.
        named = sorted(stimuli.items(), key=lambda pair: pair[0] != "step") if isinstance(stimuli, dict) else []
        steps = [s for _, s in named] if named else list(stimuli)
        numeric = all(isinstance(s, dict) and isinstance(s.get("amp"), int | float) for s in steps)
        if protocol.get("type", "StepProtocol") != "StepProtocol" or not steps or not numeric:
            problems.append(f"protocol {name} ({protocol.get('type')}): only steps of given currents can be run")
            continue
        places = {}
        for entry in protocol.get("extra_recordings", ()):
            common = {"variable": entry["var"], "location": entry.get("seclist_name", "")}
            key = f"{entry['name']}.{entry['var']}"
            if entry["type"] == "somadistance":
                places[key] = Place(distance=float(entry["somadistance"]), **common)
            elif entry["type"] == "nrnseclistcomp":
                places[key] = Place(index=int(entry["sec_index"]), x=float(entry["comp_x"]), **common)
        on = tuple(Stimulus(float(s["delay"]), float(s["duration"]), float(s["amp"])) for s in steps)
        end = max(float(s.get("totduration", s["delay"] + s["duration"])) for s in steps)
        out[name] = _Protocol(on, end, {"soma.v": Place(), **places})
    return out


def _targets(
    data: Any, protocols: Mapping[str, _Protocol], label: Callable[[Place], str], problems: list[str]
) -> Iterable[Target]:
    for name, places in data.items():
        if name.startswith("__"):
            continue
        if name not in protocols:
            problems.append(f"features of {name}: its protocol cannot be run")
            continue
        protocol = protocols[name]
        for place, given in places.items():
            key = place if "." in place else f"{place}.v"
            listed = isinstance(given, list)
            entries = given if listed else [{"feature": k, "val": v, "strict_stim": False} for k, v in given.items()]
            usual = _THRESHOLD_OF_LISTS if listed else _THRESHOLD if key == "soma.v" else _THRESHOLD_ELSEWHERE
            for entry in entries:
                where = f"feature {entry['feature']} at {place} of {name}"
                if entry["feature"] not in _FEATURES or key not in protocol.places:
                    problems.append(f"{where}: there is none here")
                    continue
                try:
                    found = label(protocol.places[key])
                except FitError as error:
                    problems.append(f"{where}: {error}")
                    continue
                feature = _feature(entry, found, name, protocol, float(entry.get("threshold", usual)))
                mean, std = (float(x) for x in entry["val"][:2])
                yield Target(feature, mean, std, float(entry.get("weight", 1.0)), name)


def _feature(entry: Mapping[str, Any], label: str, name: str, protocol: _Protocol, threshold: float) -> Any:
    kind, options = _FEATURES[entry["feature"]]
    step = protocol.stimuli[0]
    # As the evaluators have it: a spike that runs back into the dendrite may come after its stimulus.
    stop = protocol.end if "bAP" in name else step.delay + step.duration
    strict = options.get("strict", bool(entry.get("strict_stim", True)))
    options = {k: v for k, v in options.items() if k != "strict"}
    if kind is features.InputResistance:
        options["current"] = step.amp
    if kind is trains.VoltageAfterStimulus:
        options["until"] = protocol.end
    if kind is features.SoftSpikeCount:
        window = (step.delay, stop) if strict else (0.0, protocol.end)
        return kind(label, *window, threshold=threshold)
    if issubclass(kind, features.AbstractSpikeFeature | trains.AbstractTrainFeature):
        most = int(min(_MOST, max(20.0, protocol.end / _SHORTEST_INTERVAL)))
        options |= {"threshold": threshold, "most": most}
        if not strict:
            options["spikes_in"] = (0.0, protocol.end)
    return kind(label, step.delay, stop, **options)
