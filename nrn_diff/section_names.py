"""A name for every section that no other has and that the next process gives it too.

NEURON calls sections without a name, and those of objects without a repr, by their address in memory; and Python may
give several sections one name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_UNNAMED = re.compile(r"__nrnsec_0x[0-9a-f]+")
_OBJECT = re.compile(r"<(?:[\w<>]+\.)*(\w+) object at 0x[0-9a-f]+>")
_NUMBER = re.compile(r" #\d+")


def stable(names: Sequence[str]) -> tuple[str, ...]:
    """names: of NEURON, in the order of h.allsec(). Given are 'unnamed #1', '<Cell #2>.soma', 'dend #1' where several
    are called dend; other names stay.
    """
    found = [_UNNAMED.sub("unnamed", name) for name in names]
    objects: dict[str, dict[str, int]] = {}  # class -> address in the text -> number
    for k, name in enumerate(found):
        if (match := _OBJECT.search(name)) is not None:
            numbers = objects.setdefault(match[1], {})
            number = numbers.setdefault(match[0], len(numbers) + 1)
            found[k] = f"{name[: match.start()]}<{match[1]} #{number}>{name[match.end() :]}"
    count, seen = Counter(found), Counter[str]()
    for k, name in enumerate(found):
        seen[name] += 1
        if count[name] > 1 or (name != names[k] and name.startswith("unnamed")):
            found[k] = f"{name} #{seen[name]}"
    return tuple(found)


def stands_in(name: str) -> bool:
    """Whether NEURON has another name for it."""
    return _NUMBER.search(name) is not None


def common(name: str) -> str:
    """What all sections are called that only a number tells apart: 'dend' for 'dend #2'."""
    return _NUMBER.sub("", name) if _NUMBER.search(name) and "<" not in name else name
