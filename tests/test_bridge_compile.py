"""Mods are compiled once for each content, outside of the user's folder, whoever asks and whatever happens."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nrn_diff.bridge.compile import ModCompileError, compile_mods

MOD = """TITLE leak
NEURON { SUFFIX %s NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = %s }
ASSIGNED { v i }
BREAKPOINT { i = g*(v + 70) }
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NRN_DIFF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mods"


def folder_with(path, name="cleak", g="0.001"):
    path.mkdir(exist_ok=True)
    (path / f"{name}.mod").write_text(MOD % (name, g))
    return path


def value_of(library, name="cleak"):
    code = (
        f"from neuron import h; h.nrn_load_dll({str(library)!r}); s = h.Section(); s.insert({name!r}); "
        f"print(s.g_{name})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(ran.stdout.split()[-1])


@pytest.mark.long
def test_it_follows_the_content_and_leaves_the_folder_alone(tmp_path, cache):
    mods = folder_with(tmp_path / "a folder with spaces")
    first = compile_mods(mods)
    stamp = first.stat().st_mtime_ns
    assert compile_mods(mods) == first
    assert first.stat().st_mtime_ns == stamp
    folder_with(mods, g="0.002")
    second = compile_mods(mods)
    assert (value_of(first), value_of(second)) == (0.001, 0.002)
    assert [p.name for p in mods.iterdir()] == ["cleak.mod"]


@pytest.mark.long
def test_an_included_file_counts(tmp_path, cache):
    mods = folder_with(tmp_path / "mods")
    (mods / "cleak.mod").write_text(MOD.replace("PARAMETER { g = %s }", 'INCLUDE "numbers.inc"') % "cleak")
    (mods / "numbers.inc").write_text("PARAMETER { g = 0.003 }\n")
    first = compile_mods(mods)
    (mods / "numbers.inc").write_text("PARAMETER { g = 0.004 }\n")
    assert compile_mods(mods) != first


@pytest.mark.long
def test_two_processes_at_once_and_the_litter_of_a_killed_one(tmp_path, cache):
    mods = folder_with(tmp_path / "mods")
    old, young = cache / ".building-old", cache / ".building-young"
    for litter in (old, young):
        litter.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    code = f"from nrn_diff.bridge.compile import compile_mods; print(compile_mods({str(mods)!r}))"
    root = str(Path(__file__).resolve().parent.parent)
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)
    ]
    answers = {p.communicate(timeout=120)[0].strip() for p in both}
    assert [p.returncode for p in both] == [0, 0]
    assert answers == {str(compile_mods(mods))}
    assert sorted(p.name for p in cache.iterdir() if p.name.startswith(".")) == [".building-young"]


def test_a_mod_that_neuron_rejects_is_shown_with_neurons_words(tmp_path, cache):
    mods = folder_with(tmp_path / "mods")
    (mods / "cleak.mod").write_text(MOD % ("cleak", "0.001") + "NONSENSE { }\n")
    with pytest.raises(ModCompileError, match="Illegal block at line 6 in file") as caught:
        compile_mods(mods)
    assert "Traceback" not in str(caught.value)
    assert "correct the mod file" in str(caught.value)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(("make", "message"), [(False, "is not a folder"), (True, "holds no .mod file")])
def test_a_folder_without_mods_is_a_clear_error(tmp_path, make, message):
    if make:
        (tmp_path / "x").mkdir()
    with pytest.raises(ModCompileError, match=message):
        compile_mods(tmp_path / "x")
