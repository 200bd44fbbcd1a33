"""Whether h.run() still is what stdrun.hoc made it."""

from __future__ import annotations

import re
from pathlib import Path

from neuron import h

from nrn_diff.bridge.clock import stdrun_dt
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.hoc_code import only_advances_and_draws
from nrn_diff.bridge.native import procedure_code, same_code

# What h.run() executes, apart from drawing.
PROCEDURES = ("run", "stdinit", "setdt", "init", "continuerun", "step", "advance")

# What was found out for the procedures as they were compiled then.
_answers: dict[tuple[tuple[int, ...] | None, ...], list[str]] = {}
# Procedures that do here what stdrun.hoc's do, as they were compiled.
_equivalent: set[tuple[str, tuple[int, ...] | None]] = set()


def is_equivalent(name: str) -> None:
    """Say that the procedure, as it is now, does what stdrun.hoc's does."""
    _equivalent.add((name, procedure_code(name)))


def stock_text(name: str) -> str:
    """The text of a procedure in NEURON's stdrun.hoc."""
    text = (Path(h.neuronhome()) / "lib" / "hoc" / "stdrun.hoc").read_text()
    text = re.sub(r"^begintemplate.*?^endtemplate", "", text, flags=re.MULTILINE | re.DOTALL)
    start = re.search(rf"^proc {name}\(\)", text, re.MULTILINE)
    if start is None:
        raise ValueError(f"stdrun.hoc has no procedure {name}")
    depth = 0
    for brace in re.finditer(r"[{}]", text[start.start() :]):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return text[start.start() : start.start() + brace.end()]
    raise ValueError(f"{name} in stdrun.hoc does not end")


def _compare() -> list[str]:
    changed = []
    for name in PROCEDURES:
        # Under another name, so that the constants of both can be looked at.
        stock_name = f"nrn_diff_stock_{name}"
        if not h(stock_text(name).replace(f"proc {name}()", f"proc {stock_name}()", 1)):
            raise ValueError(f"NEURON does not compile its own {name}")
        live, stock = procedure_code(name), procedure_code(stock_name)
        if live is None or stock is None or not same_code(live, stock):
            changed.append(name)
    return changed


def redefined_procedures(*, prints: bool = True) -> list[str] | None:
    """Names of the procedures of h.run() that the user's HOC replaced; None if it cannot be found out.

    An advance() or step() that draws besides advancing is not one of them, nor is one that prints if `prints`.
    Empty without stdrun.hoc. Works in a copy of the process, where the original text is compiled for comparison.
    """
    if not hasattr(h, "steps_per_ms"):
        return []
    if procedure_code("init") is None:
        return None
    code = tuple(procedure_code(name) for name in PROCEDURES)
    if code not in _answers:
        try:
            _answers[code] = in_copy(_compare)
        except ChildFailedError:
            return None
    known = dict(zip(PROCEDURES, code, strict=True))
    changed = [name for name in _answers[code] if (name, known[name]) not in _equivalent]
    # Between two plots step() advances once, unless there are several steps to a plot.
    inside = ["advance", *(["step"] if stdrun_dt(h.dt, h.steps_per_ms)[1] == 1 else [])]
    return [name for name in changed if name not in inside or not only_advances_and_draws(name, prints=prints)]
