"""One mod file compiled alone, with the files it INCLUDEs, into a cache by content."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from nrn_diff.bridge.compile import ModCompileError, compile_mods
from nrn_diff.cache import cache_dir

_INCLUDE = re.compile(r'^\s*INCLUDE\s+"([^"]+)"', re.MULTILINE)
_DECLARED = re.compile(r"\b(?:SUFFIX|POINT_PROCESS|ARTIFICIAL_CELL)\s+(\w+)")


@dataclass(frozen=True)
class Library:
    """path: the shared library, '' if NEURON does not compile the file; then `error` has the first complaint."""

    path: str
    error: str = ""


def renamed(text: str, taken: frozenset[str]) -> str:
    """The text under another name, where NEURON has a built-in mechanism of that name and would refuse to load it."""
    found = _DECLARED.search(text)
    return f"{text[: found.end()]}_x{text[found.end() :]}" if found and found[1] in taken else text


def compile_text(name: str, text: str, folder: Path | None = None) -> Library:
    """Compile `text` as <name>; INCLUDE files come from `folder`. Results, failures too, are kept by content."""
    included = dict(_includes(text, folder)) if folder is not None else {}
    key = hashlib.sha256(repr((name, text, sorted(included.items()))).encode()).hexdigest()[:24]
    place = cache_dir("validation") / key
    failed = place / "failed.txt"
    if failed.exists():
        return Library("", failed.read_text())
    source = place / "mods"
    source.mkdir(parents=True, exist_ok=True)
    for relative, content in {name: text, **included}.items():
        (source / relative).parent.mkdir(parents=True, exist_ok=True)
        (source / relative).write_bytes(content.encode("latin-1"))
    try:
        return Library(str(compile_mods(source)))
    except ModCompileError as error:
        text = _first_complaint(str(error), str(source))
        failed.write_text(text)
        shutil.rmtree(source)
        return Library("", text)


def compile_folder(folder: Path) -> str:
    """The library of all mods of a folder, for a file that needs its neighbours; '' if that does not compile."""
    try:
        return str(compile_mods(folder))
    except ModCompileError:
        return ""


def _includes(text: str, folder: Path, seen: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    found = []
    for name in _INCLUDE.findall(text):
        path = folder / name
        if name in seen or Path(name).is_absolute() or ".." in Path(name).parts or not path.is_file():
            continue
        inner = path.read_bytes().decode("latin-1")
        found += [(name, inner), *_includes(inner, folder, (*seen, name))]
    return found


def _first_complaint(message: str, source: str) -> str:
    lines = [line.strip().replace(f"{source}/", "") for line in message.splitlines()[1:] if line.strip()]
    lines = [line for line in lines if not re.match(r"notice|warning", line, re.I)]
    telling = [
        line for line in lines if re.search(r"error|illegal|cannot|not|undefined|wrong|syntax", line, re.I)
    ] or lines
    return re.sub(r"/\S*/", "", telling[0])[:200] if telling else "unknown"
