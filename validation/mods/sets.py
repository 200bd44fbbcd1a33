"""Where the mod files come from: NEURON itself, installed packages, folders given on the command line."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Packages whose installed files are a set. The files are read where pip put them.
PACKAGES = {"bmtk": "bmtk", "emodelrunner": "examples", "pyfibers": "pyfibers", "hnn-core": "hnn_core"}


@dataclass(frozen=True)
class Mod:
    """One mod file.

    label: its path within the set. folder: None for a mechanism built into NEURON. copies: labels of equal content.
    """

    label: str
    text: str
    folder: Path | None
    copies: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Digest of the content."""
        return hashlib.sha256(self.text.encode("latin-1", errors="replace")).hexdigest()

    @property
    def file(self) -> str:
        """File name, for INCLUDE and for a mechanism without SUFFIX."""
        return Path(self.label).name


def collect(name: str, folders: dict[str, Path]) -> list[Mod]:
    """The distinct mods of a set, in the order of their labels. Raises SystemExit for a set that is not here."""
    if name in folders:
        return _distinct(_files(folders[name]))
    if name == "neuron":
        return _distinct([*_built_in(), *_files(_package("neuron"))])
    if name in PACKAGES:
        return _distinct(_files(_package(PACKAGES[name])))
    raise SystemExit(f"unknown set {name!r}: {', '.join(['neuron', *PACKAGES])}, or give --folder {name}=PATH")


def _package(module: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{module} is not installed: pip install it, or give --folder NAME=PATH of its files")
    return Path(next(iter(found.submodule_search_locations)))


def _files(root: Path) -> Iterator[Mod]:
    if not root.is_dir():
        raise SystemExit(f"{root} is not a folder")
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() == ".mod" and path.is_file() and path.stat().st_size:
            yield Mod(str(path.relative_to(root)), path.read_bytes().decode("latin-1"), path.parent)


def _built_in() -> Iterator[Mod]:
    from nrn_diff.bridge.catalog import mechanism_types
    from nrn_diff.bridge.own_texts import nmodl_text

    for kind in mechanism_types():
        if kind.code:
            yield Mod(f"built-in/{kind.name}", nmodl_text(kind), None)


def built_in_names() -> frozenset[str]:
    """Names that a file cannot use because NEURON has a mechanism of that name."""
    from nrn_diff.bridge.catalog import mechanism_types

    return frozenset(kind.name for kind in mechanism_types())


def _distinct(mods: Iterator[Mod] | list[Mod]) -> list[Mod]:
    found: dict[str, Mod] = {}
    for mod in mods:
        first = found.get(mod.sha256)
        found[mod.sha256] = mod if first is None else Mod(
            first.label, first.text, first.folder, (*first.copies, mod.label)
        )  # fmt: skip
    return list(found.values())
