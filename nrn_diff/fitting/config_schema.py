"""What may stand in the file of `nrn-diff fit`: keys, and the kind of value of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from . import features, trains


@dataclass(frozen=True)
class Kind:
    """A kind of value: how it is called in a message, and whether a value is one."""

    name: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Table:
    """The keys that a table may have, and those that it must have."""

    keys: Mapping[str, Kind]
    required: tuple[str, ...] = ()


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)


def _is_count(x: Any) -> bool:
    return isinstance(x, int) and not isinstance(x, bool) and x >= 0


def _all(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, list) and all(map(fits, x))


def _is_pair(x: Any) -> bool:
    return isinstance(x, list) and len(x) == 2 and all(_is_number(side) or _all(_is_number)(side) for side in x)


NUMBER = Kind("a number", _is_number)
COUNT = Kind("a whole number, not negative", _is_count)
INTEGER = Kind("a whole number", lambda x: isinstance(x, int) and not isinstance(x, bool))
TEXT = Kind("text in quotes", lambda x: isinstance(x, str))
TRUTH = Kind("true or false", lambda x: isinstance(x, bool))
PAIR = Kind("two numbers [low, high]", _is_pair)
TEXTS = Kind("text, or a list of texts", lambda x: isinstance(x, str) or _all(lambda y: isinstance(y, str))(x))
NUMBERS = Kind("a number, or a list of numbers", lambda x: _is_number(x) or _all(_is_number)(x))
TEXT_OR_NUMBER = Kind("text or a number", lambda x: isinstance(x, str) or _is_number(x))
TABLES = Kind("tables, as in [[...]]", _all(lambda x: isinstance(x, dict)))
TABLE = Kind("a table, as in [...]", lambda x: isinstance(x, dict))
TABLE_OF_TABLES = Kind("tables, as in [protocols.NAME]", lambda x: TABLE.fits(x) and all(map(TABLE.fits, x.values())))
CURRENTS = Kind("a table {protocol = nA, ...}", lambda x: TABLE.fits(x) and all(map(_is_number, x.values())))

TOP = Table(
    {
        "script": TEXT, "mods": TEXT, "tstop": NUMBER, "dt": NUMBER, "records": TEXTS, "parameters": TABLES,
        "protocols": TABLE_OF_TABLES, "targets": TABLES, "traces": TABLES, "fit": TABLE, "output": TABLE,
        "bluepyopt": TABLE,
    },
    ("script",),
)  # fmt: skip
PARAMETER = Table(
    {
        "name": TEXT, "where": TEXTS, "share": TEXT, "relative": TRUTH, "bounds": PAIR, "label": TEXT, "start": NUMBERS,
    },
    ("name",),
)  # fmt: skip
TRACE = Table(
    {
        "file": TEXT, "column": TEXT_OR_NUMBER, "time": TEXT_OR_NUMBER, "unit": NUMBER, "label": TEXT, "protocol": TEXT,
        "weight": NUMBER, "scale": NUMBER, "from": NUMBER, "to": NUMBER, "delay": NUMBER,
    },
    ("file", "label"),
)  # fmt: skip
OUTPUT = Table({"json": TEXT, "hoc": TEXT, "python": TEXT, "report": TEXT, "identifiability": TRUTH})
BLUEPYOPT = Table(
    {"parameters": TEXT, "protocols": TEXT, "features": TEXT, "skip": TRUTH}, ("parameters", "protocols", "features")
)

_DESCENT = {"method": TEXT, "steps": COUNT, "checkpoint": TEXT, "seed": COUNT, "jitter": NUMBER, "loss": TEXT}
_SEARCH = {
    "method": TEXT, "steps": COUNT, "checkpoint": TEXT, "seed": COUNT, "loss": TEXT, "starts": COUNT, "draws": COUNT,
    "rounds": COUNT, "generations": COUNT, "population": COUNT, "goal": NUMBER, "enough": COUNT, "patience": COUNT,
    "memory": COUNT, "batch": COUNT, "local": TEXT,
}  # fmt: skip
_RATE = {"rate": NUMBER}
METHODS = {
    "adam": Table(_DESCENT | _RATE),
    "gauss_newton": Table(_DESCENT),
    "lbfgs": Table(_DESCENT),
    "normalised": Table(_DESCENT | _RATE),
    "polyak": Table(_DESCENT),
    "search": Table(_SEARCH),
}
LOCAL = ("adam", "gauss_newton", "lbfgs", "minimum_norm", "normalised", "polyak")
LOSSES = ("squared", "absolute")

_TARGET = {"feature": TEXT, "mean": NUMBER, "std": NUMBER, "weight": NUMBER, "protocol": TEXT, "missing": NUMBER}
_OF_FIELDS = {
    "str": TEXT, "float": NUMBER, "int": INTEGER, "int | None": INTEGER, "float | None": NUMBER,
    "tuple[float, float] | None": PAIR,
}  # fmt: skip
FI_SLOPE = "FISlope"


def kinds_of_features() -> dict[str, Any]:
    """Name -> class of every feature that a file can name."""
    found = {}
    for module in (features, trains):
        for name, kind in vars(module).items():
            usable = isinstance(kind, type) and issubclass(kind, features.AbstractFeature)
            if usable and not name.startswith("Abstract"):
                found[name] = kind
    return found | {FI_SLOPE: features.FISlope}


def target_table(feature: str) -> Table:
    """The keys of a target with this feature."""
    kind = features.SoftSpikeCount if feature == FI_SLOPE else kinds_of_features()[feature]
    options = {f.name: _OF_FIELDS[str(f.type)] for f in fields(kind)}
    required = [f.name for f in fields(kind) if f.default is MISSING]
    if feature == FI_SLOPE:
        options, required = options | {"current": CURRENTS}, [*required, "start", "stop", "current"]
    return Table(_TARGET | options, ("feature", "mean", "std", *required))
