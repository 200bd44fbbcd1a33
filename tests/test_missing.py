"""Without NEURON, JAX or a compiler there is one message, with the way out, and no traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nrn_diff.bridge.compile import ModCompileError, compile_mods

ROOT = Path(__file__).parents[1]
MOD = "NEURON { SUFFIX leak NONSPECIFIC_CURRENT i }\nASSIGNED { v i }\nBREAKPOINT { i = 1e-4*(v + 65) }\n"
CELL = "from neuron import h\nh.load_file('stdrun.hoc')\ns = h.Section('s')\nh.tstop = 1\nh.run()\n"

# Of a module that is None in sys.modules, Python says that it cannot be found. What each call says, and its status.
ASK = """
import contextlib, io, json, sys
sys.modules[sys.argv[1]] = None
sys.path.insert(0, {root!r})
import mod_translator.cli, nrn_diff, nrn_diff.cli
said = {{}}
calls = {{" ".join(words): (lambda words=words: nrn_diff.cli.main(words)) for words in {commands!r}}}
calls["mod-translator"] = lambda: mod_translator.cli.main(["check", "leak.mod"])
for name in ("capture", "enable", "inspect"):
    calls[name] = lambda name=name: getattr(nrn_diff, name)()
calls["fit"] = lambda: nrn_diff.fit
calls["load"] = lambda: nrn_diff.load("nothing.nrndiff")
for name, call in calls.items():
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            status = call()
        except Exception as error:
            status = [type(error).__name__, str(error)]
    said[name] = [str(status), printed.getvalue()]
print(json.dumps(said))
"""
COMMANDS = [["run", "cell.py"], ["inspect", "cell.py"], ["validate", "cell.py"], ["demo"], ["speed"], ["doctor"]]


@pytest.mark.long
@pytest.mark.parametrize(("module", "called"), [("neuron", "NEURON"), ("jax", "JAX")])
def test_a_missing_package_is_named_with_the_way_out(module, called, tmp_path):
    (tmp_path / "leak.mod").write_text(MOD)
    (tmp_path / "cell.py").write_text(CELL)
    code = ASK.format(root=str(ROOT), commands=COMMANDS)
    ran = subprocess.run([sys.executable, "-c", code, module], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(ran.stdout)
    assert {"run cell.py", "capture", "mod-translator"} <= set(found)
    for name, (status, text) in found.items():
        if module == "jax" and name == "mod-translator":  # which needs no JAX
            assert (status, "translates" in text) == ("0", True)
            continue
        if module == "neuron" and name in ("fit", "load"):  # which need no NEURON
            assert "MissingPackageError" not in status
            continue
        whole = status + text
        assert f"{called} " in whole, name
        assert f"-m pip install '{module}>=" in whole, name
        assert "Traceback" not in whole, name
        assert name == "doctor" or whole.count("pip install") == 1, name
        assert status[:1] in ("1", "2") or status.startswith("['MissingPackageError'"), name
    assert "FAIL" in found["doctor"][1]


def test_without_a_compiler_the_message_says_how_to_get_one(tmp_path, monkeypatch):
    (tmp_path / "leak.mod").write_text(MOD)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "sed", "basename", "dirname", "make", "uname"):
        if path := shutil.which(name):
            (tools / name).symlink_to(path)
    monkeypatch.setenv("NRN_DIFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tools}")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ModCompileError, match=r"nrnivmodl needs a C\+\+ compiler .*build-essential"):
        compile_mods(tmp_path)
    (tools / "make").unlink()
    with pytest.raises(ModCompileError, match=r"nrnivmodl needs make and a C\+\+ compiler"):
        compile_mods(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", "from nrn_diff.cli import main; raise SystemExit(main(['doctor']))"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert re.search(r"ok    native kernel: not available: there is no C\+\+ compiler", ran.stdout)
    assert re.search(r"FAIL  nrnivmodl: .*build-essential", ran.stdout)
