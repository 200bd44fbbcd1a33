"""What C's preprocessor makes of a VERBATIM block: conditions, and the macros that this and earlier blocks #define."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mod_translator.verbatim.text import MAX_LENGTH, CProblem, without_comments

_CONDITION = re.compile(r"(!?)\s*(?:defined)?\s*\(?\s*(\w+)\s*\)?\s*")
_DIRECTIVE = re.compile(r"\s*#\s*(\w*)(.*)")
_DEFINE = re.compile(r"\s*([A-Za-z_]\w*)(?:\(([\w\s,]*)\))?(.*)")
_TOKEN = re.compile(r'[A-Za-z_]\w*|\.?\d[\w.]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\s+|.')
_MAX_DEPTH = 20  # of macros in macros
_KEPT = ("RANDCAST",)  # that text.py knows

# What NEURON's own nrnivmodl defines when it compiles a mod (not for CoreNEURON), and what it does not.
_KNOWN = {"0": False, "1": True, "NRNBBCORE": False, "CORENEURON_BUILD": False, "_OPENACC": False}
_KNOWN |= {"NRN_MECHANISM_DATA_IS_SOA": True, "ENABLE_CORENEURON": False, "DISABLE_OPENACC": False}
_KNOWN |= {"NRN_VERSION_GTEQ_8_2_0": True, "NRN_VERSION_GTEQ_9_0_0": True}


@dataclass(frozen=True)
class Macro:
    """parameters: None of one that takes none, not even brackets."""

    parameters: tuple[str, ...] | None
    body: str


Macros = dict[str, Macro]


def defined_before(texts: Sequence[str], names: Collection[str]) -> Macros:
    """The macros of these VERBATIM texts. Left out: those that the file's own `names` hide, and those of which it is
    not known which of several definitions holds."""
    macros: Macros = {}
    for text in texts:
        plain = without_comments(text)
        try:
            preprocessed(plain, macros, expand=False)
        except CProblem:  # under a condition that is not known
            _define_all(plain, macros)
    return {name: macro for name, macro in macros.items() if name not in names}


def _define_all(text: str, macros: Macros) -> None:
    found: Macros = {}
    for line in _joined(text):
        directive = _DIRECTIVE.fullmatch(line)
        if directive is not None and directive.group(1) == "define" and (made := _defined(directive.group(2))):
            name, macro = made
            if found.setdefault(name, macro) != macro:
                found[name] = Macro((), "#")
    macros.update({name: macro for name, macro in found.items() if "#" not in macro.body})
    for name in [name for name, macro in found.items() if "#" in macro.body]:
        macros.pop(name, None)


def preprocessed(text: str, macros: Macros, *, expand: bool = True) -> str:
    """Return C text (without comments) after its preprocessor lines, as NEURON 9 compiles it.

    macros: known before it; what the text defines is added. Raises CProblem: a condition whose value is not known, a
    macro that cannot be followed.
    """
    out: list[str] = []
    live: list[bool] = []
    for number, line in enumerate(_joined(text), start=1):
        match = _DIRECTIVE.fullmatch(line)
        if match is None:
            kept = line if all(live) else ""
            out.append(_expanded(kept, macros, number) if expand else kept)
            continue
        out.append("")
        word, rest = match.group(1), match.group(2)
        if word in ("if", "ifdef", "ifndef"):
            live.append(_holds(rest, number) != (word == "ifndef"))
        elif word == "else" and live:
            live[-1] = not live[-1]
        elif word == "endif" and live:
            live.pop()
        elif word in ("else", "elif", "endif"):
            raise CProblem(f"#{word} that does not begin in this block", number)
        elif word == "undef" and all(live):
            macros.pop(rest.strip(), None)
        elif word == "define" and all(live):
            made = _defined(rest)
            if made is None and expand:
                raise CProblem("#define", number)
            if made is not None:
                macros[made[0]] = made[1]
        elif word not in ("include", "pragma", "define", "") and all(live):
            raise CProblem(f"#{word}", number)
    if live:
        raise CProblem("#if that does not end in this block", 1)
    return "\n".join(out)


def _joined(text: str) -> list[str]:
    """The lines, those joined that end in a backslash, with empty ones after them so that lines keep their numbers."""
    lines: list[str] = []
    more = 0
    for line in text.split("\n"):
        if more:
            lines[-more] += line
            lines.append("")
        else:
            lines.append(line)
        at = len(lines) - more - 1 if more else len(lines) - 1
        more = more + 1 if lines[at].endswith("\\") else 0
        lines[at] = lines[at].removesuffix("\\")
    return lines


def _holds(condition: str, line: int) -> bool:
    match = _CONDITION.fullmatch(condition.strip())
    if match is None or match.group(2) not in _KNOWN:
        raise CProblem(f"the condition #if {condition.strip()}", line)
    return _KNOWN[match.group(2)] != bool(match.group(1))


def _defined(rest: str) -> tuple[str, Macro] | None:
    match = _DEFINE.fullmatch(rest)
    if match is None or match.group(1) in _KEPT:
        return None
    name, inside, body = match.groups()
    if inside is None and body.startswith("(") and rest.lstrip().startswith(f"{name}("):
        return None  # a list of parameters that ends in dots
    if "#" in body:
        return None
    parameters = None if inside is None else tuple(p.strip() for p in inside.split(",") if p.strip())
    return name, Macro(parameters, body.strip())


def _expanded(line: str, macros: Mapping[str, Macro], number: int, hidden: frozenset[str] = frozenset()) -> str:
    if len(line) > MAX_LENGTH or len(hidden) > _MAX_DEPTH:
        raise CProblem("macros that become too long", number)
    tokens = _TOKEN.findall(line)
    out: list[str] = []
    k = 0
    while k < len(tokens):
        macro = macros.get(tokens[k]) if tokens[k] not in hidden else None
        if macro is None:
            out.append(tokens[k])
            k += 1
            continue
        name, body, k = tokens[k], macro.body, k + 1
        if macro.parameters is not None:
            found = _arguments(tokens, k)
            if found is None or len(found[0]) != len(macro.parameters):
                out.append(name)
                continue
            values = {p: _expanded(a, macros, number, hidden) for p, a in zip(macro.parameters, found[0], strict=True)}
            body, k = "".join(values.get(t, t) for t in _TOKEN.findall(body)), found[1]
        out.append(f" {_expanded(body, macros, number, hidden | {name})} ")
        if sum(map(len, out)) > MAX_LENGTH:
            raise CProblem("macros that become too long", number)
    return "".join(out)


def _arguments(tokens: Sequence[str], start: int) -> tuple[list[str], int] | None:
    """The arguments of a macro in brackets from `start` on, and where they end; None if there are none in this line."""
    while start < len(tokens) and tokens[start].isspace():
        start += 1
    if start == len(tokens) or tokens[start] != "(":
        return None
    depth, found = 0, [""]
    for k in range(start, len(tokens)):
        depth += (tokens[k] == "(") - (tokens[k] == ")")
        if not depth:
            parts = [part.strip() for part in found]
            return (parts if parts != [""] else []), k + 1
        if tokens[k] == "," and depth == 1:
            found.append("")
        elif k > start:
            found[-1] += tokens[k]
    return None
