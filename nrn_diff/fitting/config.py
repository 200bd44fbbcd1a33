"""What `nrn-diff fit` reads: a TOML or JSON file, as plain data, checked; docs/fit-config.md describes it."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import config_schema as schema
from .config_lines import Path as Place
from .config_lines import json_lines, toml_lines
from .errors import FitError
from .features import FISlope, SoftSpikeCount

Where = Callable[..., str]


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
    bluepyopt: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    lines: Mapping[Place, int] = field(default_factory=dict)

    def at(self, *place: str | int) -> str:
        """'fit.toml:12: ' for what stands at a place, ("parameters", 0, "bounds"), or around it."""
        for n in range(len(place), 0, -1):
            if place[:n] in self.lines:
                return f"{self.file}:{self.lines[place[:n]]}: "
        return f"{self.file}: "


def read_config(path: str | Path) -> Config:
    """Read and check a file. Raises FitError, which names file, line, what is wrong and what is allowed there."""
    path = Path(path)
    is_json = path.suffix == ".json"
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if is_json else tomllib.loads(text)
    except OSError as error:
        raise FitError(f"{path} cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise FitError(f"{path}:{error.lineno}: cannot be read: {error.msg}") from error
    except ValueError as error:
        line = re.search(r"\(at line (\d+)", str(error))
        raise FitError(f"{path}{f':{line[1]}' if line else ''}: cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise FitError(f"{path}: the file must be one object {{...}}")
    where = Config(Path(), "", file=str(path), lines=json_lines(text) if is_json else toml_lines(text))
    _check(data, schema.TOP, where.at, ())
    for key, table in (("parameters", schema.PARAMETER), ("traces", schema.TRACE)):
        for k, entry in enumerate(data.get(key, [])):
            _check(entry, table, where.at, (key, k))
    for k, entry in enumerate(data.get("targets", [])):
        _check(entry, _target(entry, where.at("targets", k)), where.at, ("targets", k))
    for key, table in (("output", schema.OUTPUT), ("bluepyopt", schema.BLUEPYOPT), ("fit", _method(data, where.at))):
        if key in data:
            _check(data[key], table, where.at, (key,))
    _check_protocols(data, where.at)
    _check_paths(data, path.resolve().parent, where.at)
    records = data.get("records", ())
    lists = {k: tuple(data.get(k, ())) for k in ("parameters", "targets", "traces")}
    lists["records"] = (records,) if isinstance(records, str) else tuple(records)
    return Config(folder=path.resolve().parent, file=str(path), lines=where.lines, **(dict(data) | lists))


def make_feature(entry: Mapping[str, Any]) -> Any:
    """The feature that a checked {"feature": "SpikeWidth", "label": ..., "start": ..., ...} names."""
    left = ("feature", "mean", "std", "weight", "protocol", "missing")
    options: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k not in left}
    if entry["feature"] == schema.FI_SLOPE:
        current = tuple((name, float(x)) for name, x in options.pop("current").items())
        return FISlope(SoftSpikeCount(**options), current)
    return schema.kinds_of_features()[entry["feature"]](**options)


def _check(entry: Mapping[str, Any], table: schema.Table, at: Where, place: Place) -> None:
    for key, value in entry.items():
        if key not in table.keys:
            near = difflib.get_close_matches(key, table.keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there may be {', '.join(sorted(table.keys))}"
            raise FitError(f"{at(*place, key)}{_called(place)}{key!r} is not known; {hint}")
        if not table.keys[key].fits(value):
            raise FitError(f"{at(*place, key)}{_called(place)}{key} must be {table.keys[key].name}, not {value!r}")
    for key in table.required:
        if key not in entry:
            raise FitError(f"{at(*place)}{_called(place)}{key} is missing")


def _called(place: Place) -> str:
    if not place:
        return ""
    return f"[{place[0]}]: " if len(place) == 1 else f"[[{place[0]}]] number {int(place[1]) + 1}: "


def _target(entry: Mapping[str, Any], at: str) -> schema.Table:
    kinds, name = schema.kinds_of_features(), entry.get("feature")
    if name not in kinds:
        near = difflib.get_close_matches(str(name), kinds, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(kinds))}"
        raise FitError(f"{at}no feature {name!r}; {hint}")
    return schema.target_table(str(name))


def _method(data: Mapping[str, Any], at: Where) -> schema.Table:
    fit = data.get("fit", {})
    for key, default, allowed in (
        ("method", "adam", schema.METHODS),
        ("local", "adam", schema.LOCAL),
        ("loss", "squared", schema.LOSSES),
    ):
        if fit.get(key, default) not in allowed:
            raise FitError(f"{at('fit', key)}[fit]: {key} = {fit[key]!r}: it is one of {', '.join(allowed)}")
    return schema.METHODS[fit.get("method", "adam")]


def _check_protocols(data: Mapping[str, Any], at: Where) -> None:
    protocols = data.get("protocols", {})
    for key in ("targets", "traces"):
        for k, entry in enumerate(data.get(key, [])):
            of_all = entry.get("feature") == schema.FI_SLOPE
            name = entry.get("protocol", "")
            if name and name not in protocols:
                raise FitError(
                    f"{at(key, k, 'protocol')}no protocol {name!r}; there are {', '.join(protocols) or 'none'}"
                )
            if protocols and not name and not of_all:
                raise FitError(
                    f"{at(key, k)}{_called((key, k))}with [protocols], it must say of which `protocol` it is"
                )
            for other in entry.get("current", {}) if of_all else ():
                if other not in protocols:
                    raise FitError(f"{at(key, k, 'current')}no protocol {other!r}; there are {', '.join(protocols)}")


def _check_paths(data: Mapping[str, Any], folder: Path, at: Where) -> None:
    read: list[tuple[Place, str]] = [(("script",), data["script"])]
    read += [(("traces", k, "file"), entry["file"]) for k, entry in enumerate(data.get("traces", []))]
    read += [(("bluepyopt", k), v) for k, v in data.get("bluepyopt", {}).items() if isinstance(v, str)]
    for place, name in read:
        if not (folder / name).is_file():
            raise FitError(f"{at(*place)}there is no file {name}")
    if "mods" in data and not (folder / data["mods"]).is_dir():
        raise FitError(f"{at('mods')}there is no folder {data['mods']}")
    written: list[tuple[Place, str]] = [
        (("output", k), v) for k, v in data.get("output", {}).items() if isinstance(v, str)
    ]
    written += [(("fit", "checkpoint"), data["fit"]["checkpoint"])] if "checkpoint" in data.get("fit", {}) else []
    for place, name in written:
        if not (folder / name).parent.is_dir():
            raise FitError(f"{at(*place)}there is no folder {Path(name).parent} to write {Path(name).name} into")
