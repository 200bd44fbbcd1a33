"""Fitted values as a HOC file and as a Python snippet that set them by section, without nrn_diff."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nrn_diff.errors import ParameterError
from nrn_diff.model import Model
from nrn_diff.section_names import stands_in
from nrn_diff.solver.play import wave_vectors

# What HOC can have in a string without being told how.
_PLAIN = re.compile(r"[\w.\[\]<>#: -]+", re.ASCII)
_SEGMENT = re.compile(r"^(?P<section>.+)\((?P<x>[-+.\deE]+)\)$")


@dataclass(frozen=True)
class Setting:
    """One number to set. section, x: where ('': not in a section; x None: of the whole section). owner: an object."""

    name: str
    value: float
    section: str = ""
    x: float | None = None
    owner: str = ""


def settings(model: Model, theta: Mapping[str, Any]) -> list[Setting]:
    """Every number that theta sets.

    Raises ParameterError for what no file can set: start values, and numbers of objects that NEURON gives no name.
    """
    return list(_settings(model, theta))


def write_hoc(model: Model, theta: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a HOC file for `load_file` after the model is built; sections are found by secname(), so also Python's."""
    free, by_section = _grouped(settings(model, theta))
    lines = [
        f"// {len(model.capture.cable.section_names)} sections; load after the model is built",
        "strdef fitted_",
        "fitted_section_ = 0",
    ]
    for s in free:
        lines.append(f"{s.owner + '.' if s.owner else ''}{s.name} = {s.value!r}")
    lines += ["forall {", '    sprint(fitted_, "%s", secname())']
    for section, own in by_section.items():
        # HOC knows a section of Python by another name.
        same = [f'strcmp(fitted_, "{name}") == 0' for name in (section, f"_pysec.{section}")]
        if stands_in(section) or not _PLAIN.fullmatch(section):
            same = [f"fitted_section_ == {model.capture.cable.section_names.index(section)}"]
        lines.append(f"    if ({' || '.join(same)}) {{")
        lines += [f"        {s.name}{'' if s.x is None else f'({s.x!r})'} = {s.value!r}" for s in own]
        lines.append("    }")
    return _write(path, [*lines, "    fitted_section_ += 1", "}"])


def write_python(model: Model, theta: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a Python module; importing it after the model is built sets the values."""
    free, by_section = _grouped(settings(model, theta))
    lines = ["from neuron import h", "", "sections = list(h.allsec())"]
    lines.append("by_name = {section.name(): section for section in sections}")
    for s in free:
        if keyword.iskeyword(s.name):
            lines.append(f"setattr(h.{s.owner}, {s.name!r}, {s.value!r})")
            continue
        lines.append(f"h.{s.owner + '.' if s.owner else ''}{s.name} = {s.value!r}")
    for section, own in by_section.items():
        k = model.capture.cable.section_names.index(section)
        lines.append(f"section = sections[{k}]" if stands_in(section) else f"section = by_name[{section!r}]")
        lines += [f"section{'' if s.x is None else f'({s.x!r})'}.{s.name} = {s.value!r}" for s in own]
    return _write(path, lines)


def _settings(model: Model, theta: Mapping[str, Any]) -> Iterator[Setting]:
    values = model.with_theta(theta)
    for spec, _ in model._specs(theta):
        assignment = model._assignment(spec)
        quantity = assignment.quantity
        if quantity.parts[0].path[0] in ("start", "start_v"):
            raise ParameterError(f"{spec.label!r} is where a run starts from, which a file of settings cannot say")
        if quantity.parts[0].path[0] == "circuits":
            raise ParameterError(
                f"{spec.label!r}: a LinearMechanism does not say which Matrix or Vector its numbers are in, so a file "
                "cannot set them; model.write_back does"
            )
        numbers = np.asarray(quantity.read(values))
        if assignment.entries is None:
            yield Setting(spec.name, float(numbers))
            continue
        for k in assignment.entries.tolist():
            yield _setting(model, spec.name, quantity.owner[k], float(numbers[k]), k)


def _setting(model: Model, name: str, owner: str, value: float, k: int) -> Setting:
    if name == "NetCon.weight":
        return Setting("weight[0]", value, owner=owner)
    if name == "NetCon.threshold":
        index = next(
            (c.index for c in model.capture.connections if (c.source_node, c.threshold) == _source(model, k)), None
        )
        if index is None:
            raise ParameterError("the threshold of a NetCon that only records cannot be written to a file")
        return Setting("threshold", value, owner=f"NetCon[{index}]")
    if name in (vectors := wave_vectors(model.capture)):
        if not vectors[name].startswith("Vector["):
            raise ParameterError(f"{name!r} are the numbers of {vectors[name]}, which holds none that a file could set")
        return Setting(f"x[{k}]", value, owner=vectors[name])
    if name == "NetCon.delay":
        return Setting("delay", value, owner=owner)
    match = _SEGMENT.match(owner)
    if match:
        section, x = match["section"], float(match["x"])
        # Labels round x to six digits.
        cable = model.capture.cable
        here = np.flatnonzero(cable.segment_section == cable.section_names.index(section))
        exact = cable.segment_x[here]
        return Setting(name, value, section, float(exact[np.argmin(np.abs(exact - x))]))
    if owner in model.capture.cable.section_names:
        return Setting(name, value, owner)
    return Setting(name.split(".", 1)[-1], value, owner=owner)


def _source(model: Model, k: int) -> tuple[int, float]:
    from nrn_diff.solver.build_events import find_sources

    return find_sources(model.capture)[k]


def _grouped(found: list[Setting]) -> tuple[list[Setting], dict[str, list[Setting]]]:
    by_section: dict[str, list[Setting]] = {}
    for s in found:
        if s.section:
            by_section.setdefault(s.section, []).append(s)
    return [s for s in found if not s.section], by_section


def _write(path: str | os.PathLike[str], lines: list[str]) -> Path:
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(temporary, target)
    return target
