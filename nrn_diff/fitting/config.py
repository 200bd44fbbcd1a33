"""What `nrn-diff fit` reads: a TOML or JSON file, as plain data, checked; docs/fit-config.md describes it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import features
from .errors import FitError

_TOP = {"script", "mods", "tstop", "dt", "records", "parameters", "protocols", "targets", "traces", "fit", "output",
        "bluepyopt"}  # fmt: skip
_PARAMETER = {"name", "where", "share", "relative", "bounds", "label", "start"}
_FIT = {"method", "steps", "rate", "seed", "starts", "generations", "population", "goal", "enough", "patience",
        "checkpoint", "memory", "draws", "rounds"}  # fmt: skip
_TRACE = {"file", "column", "time", "unit", "label", "protocol", "weight", "scale", "from", "to", "delay"}
_OUTPUT = {"json", "hoc", "python", "report", "identifiability"}
METHODS = ("adam", "gauss_newton", "lbfgs", "normalised", "polyak", "search")


@dataclass(frozen=True)
class Config:
    """The file's content; paths are relative to `folder`, the one that it is in."""

    folder: Path
    script: str
    mods: str | None = None
    tstop: float | None = None
    dt: float | None = None
    records: tuple[str, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ()
    protocols: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    targets: tuple[dict[str, Any], ...] = ()
    traces: tuple[dict[str, Any], ...] = ()
    fit: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    bluepyopt: Mapping[str, str] = field(default_factory=dict)


def read_config(path: str | Path) -> Config:
    """Read and check a file. Raises FitError, which names what is wrong and what is allowed there."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise FitError(f"{path} cannot be read: {error}") from error
    _known(data, _TOP, str(path))
    if "script" not in data:
        raise FitError(f"{path}: `script` (your .hoc or .py file) is missing")
    for parameter in data.get("parameters", []):
        _known(parameter, _PARAMETER, "a parameter")
    for trace in data.get("traces", []):
        _known(trace, _TRACE, "a trace")
    _known(data.get("fit", {}), _FIT, "[fit]")
    _known(data.get("output", {}), _OUTPUT, "[output]")
    method = data.get("fit", {}).get("method", "adam")
    if method not in METHODS:
        raise FitError(f"[fit] method = {method!r}: it is one of {', '.join(METHODS)}")
    lists = {k: tuple(data.get(k, ())) for k in ("records", "parameters", "targets", "traces")}
    return Config(folder=path.resolve().parent, **(dict(data) | lists))


def make_feature(entry: Mapping[str, Any]) -> Any:
    """The feature that {"feature": "SpikeWidth", "label": ..., "start": ..., ...} names."""
    kinds = {n: k for n, k in vars(features).items() if isinstance(k, type) and issubclass(k, features.AbstractFeature)}
    kinds = {n: k for n, k in kinds.items() if not n.startswith("Abstract")}
    name = entry.get("feature")
    if name not in kinds:
        raise FitError(f"no feature {name!r}; there are {', '.join(sorted(kinds))}")
    options = {k: v for k, v in entry.items() if k not in ("feature", "mean", "std", "weight", "protocol", "missing")}
    try:
        return kinds[name](**options)
    except TypeError as error:
        raise FitError(f"feature {name}: {error}") from error


def _known(entry: Mapping[str, Any], allowed: set[str], where: str) -> None:
    for key in entry:
        if key not in allowed:
            raise FitError(f"{where}: {key!r} is not known; there may be {', '.join(sorted(allowed))}")
