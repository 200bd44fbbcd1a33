"""What may import what, how long files may be, and that each package says what it is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(p for package in ("mod_translator", "nrn_diff") for p in (ROOT / package).rglob("*.py"))
PACKAGES = sorted({p.parent for p in FILES if p.name == "__init__.py"})


def imported(path):
    """Top-level and dotted names of everything that a file imports, also inside of functions."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = base + (node.module or "")
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def offenders(folder, *forbidden):
    return [
        f"{p.relative_to(ROOT)} imports {name}"
        for p in FILES
        if p.is_relative_to(ROOT / folder)
        for name in imported(p)
        if any(name == f or name.startswith(f + ".") for f in forbidden)
    ]


def test_the_translator_knows_nothing_of_jax_or_of_the_simulator():
    assert offenders("mod_translator", "jax", "jaxlib", "nrn_diff") == []


@pytest.mark.parametrize("folder", ["solver", "runtime", "io", "fitting", "events", "report"])
def test_what_computes_never_imports_neuron(folder):
    allowed = {"nrn_diff/events/queue.py", "nrn_diff/events/artificial.py"}
    found = offenders(f"nrn_diff/{folder}", "neuron", "nrn_diff.bridge")
    assert [line for line in found if line.split()[0] not in allowed] == []


@pytest.mark.parametrize("folder", ["solver", "runtime"])
def test_what_computes_knows_nothing_of_commands_and_reports(folder):
    assert offenders(f"nrn_diff/{folder}", "nrn_diff.cli", "nrn_diff.report", "nrn_diff.demo", "nrn_diff.fitting") == []


def test_a_saved_model_runs_where_neuron_is_not():
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'neuron': raise ImportError('neuron is not here')\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import nrn_diff, nrn_diff.model, nrn_diff.solver.simulate, nrn_diff.io.saved, nrn_diff.fitting\n"
        "assert not any(m.split('.')[0] == 'neuron' for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_package_says_what_it_is(package):
    if package == ROOT / "nrn_diff":
        package = ROOT
    text = (package / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) >= 5


def test_files_stay_short():
    everything = [*FILES, *(ROOT / "tests").glob("*.py"), *(ROOT / "validation").rglob("*.py")]
    long = {str(p.relative_to(ROOT)): n for p in everything if (n := len(p.read_text().splitlines())) > 450}
    assert long == {}


def test_nothing_is_unpickled_or_evaluated():
    found = []
    for path in FILES:
        names = imported(path)
        calls = {
            n.func.id
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        bad = {"pickle", "marshal", "shelve", "dill"} & names | {"eval"} & calls
        found += [f"{path.relative_to(ROOT)}: {b}" for b in bad]
    assert found == []
