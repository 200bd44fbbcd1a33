"""In which line of a TOML or JSON file each key stands, for messages: the parsers of Python do not keep it."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter

Path = tuple[str | int, ...]

_KEY = r"""(?:"[^"]*"|'[^']*'|[\w-]+)"""
_TOML_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_TOML_KEY = re.compile(rf"^\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def toml_lines(text: str) -> dict[Path, int]:
    """Path of keys and places in arrays -> line, counted from 1; of tables, keys of tables, and no inline tables."""
    lines: dict[Path, int] = {}
    count: Counter[Path] = Counter()
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TOML_HEADER.match(line):
            table = _keys(header[2])
            if header[1] == "[[":
                count[table] += 1
                table = (*table, count[table] - 1)
            lines[table] = number
        elif key := _TOML_KEY.match(line):
            lines.setdefault((*table, *_keys(key[1])), number)
    return lines


def _keys(dotted: str) -> Path:
    found = []
    for key in re.findall(_KEY, dotted):
        found.append(next(iter(tomllib.loads(f"{key} = 0"))))
    return tuple(found)


def json_lines(text: str) -> dict[Path, int]:
    """Path of keys and places in arrays -> line, counted from 1, of everything in a valid JSON text."""
    lines: dict[Path, int] = {}
    open_: list[list[str | int | None]] = []
    key: str | None = None
    number, at = 1, 0
    for token in _JSON_TOKEN.finditer(text):
        number, at = number + text.count("\n", at, token.start()), token.start()
        what = token[0]
        if what == ":":
            open_[-1][1] = key
            lines[_path(open_)] = number
        elif what == ",":
            if open_[-1][0] == "[":
                open_[-1][1] = int(open_[-1][1] or 0) + 1
        elif what in "{[":
            if open_:
                lines.setdefault(_path(open_), number)
            open_.append([what, 0 if what == "[" else None])
        elif what in "}]":
            open_.pop()
        elif what[0] == '"':
            key = json.loads(what)
    return lines


def _path(open_: list[list[str | int | None]]) -> Path:
    return tuple(place for _, place in open_ if place is not None)
