"""What a row of the parity table is."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Status(enum.Enum):
    """What happens to a model that has the feature."""

    SAME = "same as NEURON"
    REFUSED = "refused"
    UNSEEN = "not seen"


@dataclass(frozen=True)
class Feature:
    """Something that a NEURON process can hold. tests: 'test_file.py::test_name', at least one unless UNSEEN."""

    feature: str
    status: Status
    tests: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Construct:
    """A construct of NMODL. text: a file that has it, from which the status follows. tests: see `Feature`.

    The tests are those of a construct that translates; behind a refusal stands the test of all refusals.
    """

    feature: str
    text: str
    tests: tuple[str, ...]
    remark: str = ""
