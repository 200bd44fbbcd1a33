"""What goes wrong around a run: no place to write, a killed process, several processes at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEAK = """NEURON { SUFFIX rleak NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.001 }
ASSIGNED { v i }
BREAKPOINT { i = g*(v + 70) }
"""
SCRIPT = """load_file("stdrun.hoc")
create soma
soma { insert MECHANISM }
objref trace
trace = new Vector()
trace.record(&soma.v(0.5))
tstop = TSTOP
run()
print trace.x[trace.size() - 1], trace.size()
"""
COMMAND = [sys.executable, "-c", "import sys; from nrn_diff.cli import main; sys.exit(main(sys.argv[1:]))", "run"]


def script(mechanism, tstop):
    return SCRIPT.replace("MECHANISM", mechanism).replace("TSTOP", f"{tstop:g}")


def start(folder, *args, shell="", **env):
    """The command in a process of its own, with the cache that users have; shell: what is set before it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    return subprocess.Popen(
        ["bash", "-c", f'{shell}\nexec "$@"', "-", *COMMAND, *args],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **{k: str(v) for k, v in env.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.long
def test_a_cache_that_cannot_be_written_to_is_said_once(tmp_path):
    (tmp_path / "cell.hoc").write_text(script("pas", 1))
    (tmp_path / "file").write_text("where the cache should be")
    out, err = start(tmp_path, "cell.hoc", NRN_DIFF_CACHE=tmp_path / "file").communicate(timeout=300)
    assert out.split()[-1] == "41"
    said = [line for line in err.splitlines() if "programs" in line]
    assert len(said) == 1
    assert "NRN_DIFF_CACHE" in said[0]
    assert "Traceback" not in err


def test_a_full_disk_is_one_clear_message(tmp_path):
    (tmp_path / "cell.hoc").write_text(script("pas", 1))
    process = start(tmp_path, "cell.hoc", shell="ulimit -f 1", NRN_DIFF_CACHE=tmp_path / "cache", NRN_DIFF_NATIVE=0)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "nothing can be written" in err
    assert "Traceback" not in err
    assert len([line for line in err.splitlines() if "nrn-diff run:" in line]) == 1


def test_a_full_disk_is_not_a_fault_of_the_mod_file(tmp_path):
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods" / "rleak.mod").write_text(LEAK)
    (tmp_path / "cell.hoc").write_text(script("rleak", 1))
    run = start(tmp_path, "--mod", "mods", "cell.hoc", shell="ulimit -f 16", NRN_DIFF_CACHE=tmp_path / "cache")
    _, err = run.communicate(timeout=300)
    assert run.returncode == 1
    assert "Make room" in err
    assert "NRN_DIFF_CACHE" in err
    assert "correct the mod file" not in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_killed_process_and_two_at_once_leave_cache_and_folder_as_they_should_be(tmp_path):
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods" / "rleak.mod").write_text(LEAK)
    (tmp_path / "cell.hoc").write_text(script("rleak", 2))
    (tmp_path / "long.hoc").write_text(script("rleak", 1e5))
    cache = tmp_path / "cache"
    for wait in (1.0, 3.0, 8.0):  # while the mod is compiled, the program is compiled, the run goes on
        killed = start(tmp_path, "--mods", "mods", "long.hoc", NRN_DIFF_CACHE=cache)
        time.sleep(wait)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    pair = [start(tmp_path, "--mods", "mods", "cell.hoc", NRN_DIFF_CACHE=cache) for _ in range(2)]
    answers = [process.communicate(timeout=300) for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert answers[0][0].split()[-2:] == answers[1][0].split()[-2:]
    assert answers[0][0].split()[-1] == "81"
    assert sorted(p.name for p in (tmp_path / "mods").iterdir()) == ["rleak.mod"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "cell.hoc", "long.hoc", "mods"]
