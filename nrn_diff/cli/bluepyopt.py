"""A fit that is written in BluePyOpt's files, on the model that is live in NEURON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nrn_diff.fitting.bluepyopt import Number, Place
    from nrn_diff.fitting.config import Config


def problem(config: Config, scores: Any) -> tuple[Any, Any, Any, Any]:
    """The model, its parameters, what runs it, and the loss, which `scores` makes.

    Raises FitError for what has no counterpart here.
    """
    from neuron import h

    import nrn_diff
    from nrn_diff.fitting import FitError, Protocols
    from nrn_diff.fitting import bluepyopt as files
    from nrn_diff.section_names import stable

    sections = list(h.allsec())
    names = stable([s.name() for s in sections])
    somata = [
        (s, name) for s, name in zip(sections, names, strict=True) if s.name().rsplit(".", 1)[-1] in ("soma", "soma[0]")
    ]
    if len(somata) != 1:
        raise FitError(f"[bluepyopt] needs a model with one section named soma, this has {len(somata)}")
    soma, soma_name = somata[0]
    given = {k: Path(config.bluepyopt[k]) for k in ("parameters", "protocols", "features")}
    named = dict(zip(names, sections, strict=True))
    skip = bool(config.bluepyopt.get("skip", False))
    read = files.read(
        given["parameters"],
        given["protocols"],
        given["features"],
        lambda place: _label(h, named, soma, place),
        skip=skip,
    )
    for left_out in read.left_out:
        print(f"left out: {left_out}")
    for number in read.numbers:
        _set_in_neuron(h, soma, number)
    n = max(len(stimuli) for stimuli in read.protocols.values())
    clamps = [h.IClamp(soma(0.5)) for _ in range(n)]
    model = nrn_diff.capture(config.tstop or read.tstop, config.dt).with_records(*read.labels)
    specs = [_param(number, where, f"{soma_name}(0.5)") for number, where in _places(read.numbers, named)]
    theta = model.parameters(*specs)
    changes = {name: _currents(h, model, clamps, stimuli) for name, stimuli in read.protocols.items()}
    return model, theta, Protocols(model, changes), scores(read.targets)


def _currents(h: Any, model: Any, clamps: list[Any], stimuli: Any) -> dict[str, Any]:
    """What a protocol sets: its steps in the clamps made for it, all other clamps as they are."""
    own = {clamp.hname(): k for k, clamp in enumerate(clamps)}
    clamp_data = next(d for d in model.capture.mechanisms if d.name == "IClamp")
    live = {"IClamp.del": "delay", "IClamp.dur": "dur", "IClamp.amp": "amp"}
    by_name = {clamp.hname(): clamp for clamp in h.List("IClamp")}
    change = {k: [float(getattr(by_name[c], live[k])) for c in clamp_data.labels] for k in live}
    for row, clamp in enumerate(clamp_data.labels):
        if clamp in own:
            k = own[clamp]
            step = (stimuli[k].delay, stimuli[k].duration, stimuli[k].amp) if k < len(stimuli) else (0.0, 0.0, 0.0)
            for key, number in zip(live, step, strict=True):
                change[key][row] = number
    return change


def _label(h: Any, named: dict[str, Any], soma: Any, place: Place) -> str:
    """How the model calls what is recorded at a place, as BluePyOpt finds it."""
    from nrn_diff.fitting import FitError
    from nrn_diff.fitting.bluepyopt import is_of

    try:
        mine = [(name, s) for name, s in named.items() if is_of(s.name(), place.location)]
    except KeyError:
        raise FitError(f"the list of sections {place.location!r} is not known") from None
    found, x = None, place.x
    if place.distance is None:
        found = mine[place.index] if place.index < len(mine) else None
    for name, section in mine if place.distance is not None else []:
        ends = sorted(h.distance(soma(0.5), section(end)) for end in (0.0, 1.0))
        if ends[0] <= place.distance <= ends[1]:
            found, x = (name, section), (place.distance - ends[0]) / (ends[1] - ends[0])
    if found is None:
        raise FitError(f"there is no such place in the model ({place.location})")
    name, section = found
    centre = (min(int(x * section.nseg), section.nseg - 1) + 0.5) / section.nseg
    return f"{name}({centre:g}).{place.variable}"


def _set_in_neuron(h: Any, soma: Any, number: Number) -> None:
    """A fixed value, or the middle of the bounds, in the live model."""
    from nrn_diff.fitting import FitError

    numbers = number.filled(sum(sides) / 2 for sides in number.free)
    if not number.location:
        setattr(h, number.name, numbers[0])
        return
    count = 0
    for section in h.allsec():
        if not number.is_in(section.name()):
            continue
        for segment in section if number.name not in ("Ra", "L") else [section]:
            along = number.along
            here = numbers[0] if along is None else float(along(h.distance(soma(0.5), segment), *numbers))
            if hasattr(segment, number.name):
                setattr(segment, number.name, here)
                count += 1
    if number.free and not count:
        raise FitError(f"{number.label}: no section of the model has it; the script must insert the mechanisms")


def _places(numbers: tuple[Number, ...], named: dict[str, Any]) -> list[tuple[Number, list[str]]]:
    """The fitted numbers and their sections: where a later number has the same name, that one is in force."""
    out = []
    for k, number in enumerate(numbers):
        if number.free:
            later = [x for x in numbers[k + 1 :] if x.name == number.name and x.location]
            mine = [name for name, s in named.items() if number.location and number.is_in(s.name())]
            out.append((number, [name for name in mine if not any(x.is_in(named[name].name()) for x in later)]))
    return [(number, where) for number, where in out if where or not number.location]


def _param(number: Number, sections: list[str], origin: str) -> Any:
    import nrn_diff

    if number.along is None:
        return nrn_diff.Param(
            number.name, where=sections or None, share="all", bounds=number.bounds, label=number.label
        )
    along, free = number.along, number.free
    return nrn_diff.Param(
        number.name,
        where=sections,
        share=lambda distance, c: along(distance, *number.filled(c[k] for k in range(len(free)))),
        start=tuple((low + high) / 2 for low, high in free),
        bounds=tuple(zip(*free, strict=True)),
        label=number.label,
        origin=origin,
    )
