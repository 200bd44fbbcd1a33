"""Which scripts of NEURON's source tree are run, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

USE_CASES = "test/nmodl/transpiler/usecases"
EXAMPLES = "share/examples/nrniv"
DEMO = "share/demo"
DEMONSTRATIONS = range(1, 8)  # the buttons of demo.hoc


@dataclass(frozen=True)
class Script:
    """folder: copied as a whole, of the source tree. path: of the script within it. mods: folder of mod files within it
    ("": none). arguments: of the script. then: HOC after it, as a user would click.
    """

    folder: str
    path: str
    mods: str = ""
    arguments: tuple[str, ...] = ()
    then: str = ""

    @property
    def name(self) -> str:
        """How results call it."""
        return f"{self.folder}/{self.path}" + (f" {self.then}" if self.then else "")


def find_scripts(root: Path) -> list[Script]:
    """Every script of the sets that is in NEURON's source tree `root`."""
    found = []
    for path in sorted(root.glob(f"{USE_CASES}/*/*.py")):
        found.append(Script(str(path.parent.relative_to(root)), path.name, ".", ("nocmodl",)))
    for name, mods in (("nrnoc", ""), ("nmodl", "."), ("netcon", ".")):
        folder = root / EXAMPLES / name
        for path in sorted([*folder.glob("*.hoc"), *folder.glob("*.py")]):
            found.append(Script(f"{EXAMPLES}/{name}", path.name, mods))
    found += [Script(DEMO, "demo.hoc", "release", then=f"{{demo({k}) run()}}") for k in DEMONSTRATIONS]
    for path in sorted((root / DEMO).glob("*.hoc")):
        if path.name not in ("demo.hoc", "cycle.hoc"):  # the latter shows one demonstration after the other for ever
            found.append(Script(DEMO, path.name, "release"))
    return found
