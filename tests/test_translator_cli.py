"""The command mod-translator: what it prints, its exit status, and that bad input never ends in a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mod_translator.cli import main

GOOD = "TITLE good one\nNEURON { SUFFIX good NONSPECIFIC_CURRENT i RANGE g }\nPARAMETER { g = 1 }\nASSIGNED { v i }\n"
GOOD += "BREAKPOINT { i = g*v }\n"
BAD = "NEURON { SUFFIX bad RANGE a }\nASSIGNED { a }\nINITIAL { a = nobody }\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "good.mod").write_text(GOOD)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bad.mod").write_text(BAD)
    return tmp_path


def test_translate_to_a_file(folder, capsys):
    target = folder / "good.py"
    assert main([str(folder / "good.mod"), "-o", str(target)]) == 0
    assert "def current(" in target.read_text()
    assert capsys.readouterr().out == ""


def test_translate_to_standard_output(folder, capsys):
    assert main([str(folder / "good.mod")]) == 0
    assert '"""good: good one' in capsys.readouterr().out


def test_a_refusal_writes_nothing_and_exits_with_1(folder, capsys):
    target = folder / "bad.py"
    assert main([str(folder / "deep" / "bad.mod"), "-o", str(target)]) == 1
    assert not target.exists()
    error = capsys.readouterr().err
    assert "bad.mod:3:15: semantic error [S133]: nobody is not declared" in error
    assert "Traceback" not in error


def test_the_input_is_never_overwritten(folder, capsys):
    source = folder / "good.mod"
    (folder / "link.mod").symlink_to(source)
    for target in (source, folder / "deep" / ".." / "good.mod", folder / "link.mod"):
        assert main([str(source), "-o", str(target)]) == 2
    assert source.read_text() == GOOD
    assert "is the input itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.mod"],
        ["check", "missing"],
        ["."],
        ["check", "empty"],
        ["good.mod", "-o", "nowhere/deep/x.py"],
        ["binary.mod"],
        ["check", "binary.mod"],
    ],
)
def test_unusable_input_is_one_line_and_no_traceback(arguments, folder, capsys, monkeypatch):
    (folder / "empty").mkdir()
    (folder / "binary.mod").write_bytes(bytes(range(256)))
    monkeypatch.chdir(folder)
    status = main(arguments)
    out = capsys.readouterr()
    assert status == (1 if "binary.mod" in arguments else 2)
    assert "Traceback" not in out.err + out.out
    if status == 2:
        assert out.err.startswith("mod-translator: ")
        assert out.err.count("\n") == 1


def test_check_a_folder(folder, capsys):
    assert main(["check", str(folder)]) == 1
    text = capsys.readouterr().out
    assert "SUFFIX good: translates" in text
    assert "S133" in text
    assert text.endswith("1 of 2 translate\n")
    assert main(["check", str(folder / "good.mod")]) == 0


def test_check_as_json(folder, capsys):
    assert main(["check", str(folder), "--json"]) == 1
    reports = json.loads(capsys.readouterr().out)
    assert {r["name"]: r["ok"] for r in reports} == {"good": True, "bad": False}


def test_what_the_parser_prints_stays_out_of_the_json(folder):
    (folder / "unit.mod").write_text("NEURON { SUFFIX x }\nPARAMETER { a = 1 (mV\n}\n")
    command = [sys.executable, "-m", "mod_translator.cli", "check", "--json", str(folder / "unit.mod")]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (report,) = json.loads(done.stdout)
    assert report["errors"][0]["code"] == "N101"


def test_a_folder_with_what_is_no_mod_file_is_checked_all_the_same(tmp_path, capsys):
    (tmp_path / "good.mod").write_bytes(GOOD.replace("\n", "\r\n").encode() + b": \xe9")
    (tmp_path / "empty.mod").touch()
    (tmp_path / "binary.mod").write_bytes(bytes(range(256)))
    (tmp_path / "folder.mod").mkdir()
    (tmp_path / "folder.mod" / "inside.mod").write_text(GOOD)
    (tmp_path / "nowhere.mod").symlink_to("nothing.mod")
    (tmp_path / "loop.mod").symlink_to("loop.mod")
    (tmp_path / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.mod")
    assert main(["check", str(tmp_path), "--json"]) == 1
    found = {Path(r["file"]).name: [e["code"] for e in r["errors"]] for r in json.loads(capsys.readouterr().out)}
    assert found == {
        **{key: [] for key in ("good.mod", "inside.mod")},
        **{key: ["N105"] for key in ("nowhere.mod", "loop.mod", "pipe.mod")},
        **{"empty.mod": ["N100"], "binary.mod": ["N101"]},
    }


def test_a_cell_that_reads_a_vector_is_for_the_queue(folder, capsys):
    cell = "NEURON { ARTIFICIAL_CELL x POINTER space }\nASSIGNED { space n }\nINITIAL { size() }\nPROCEDURE size() {\n"
    code = "VERBATIM\nn = vector_capacity((IvocVect*)(_p_space));\nENDVERBATIM\n}\n"
    (folder / "cell.mod").write_text(cell + code)
    assert main([str(folder / "cell.mod")]) == 1
    assert "U195" in capsys.readouterr().err


def test_dump_passes_shows_the_ir_after_each(folder, capsys):
    from mod_translator.passes import PIPELINE

    assert main([str(folder / "good.mod"), "--dump-passes"]) == 0
    text = capsys.readouterr().out
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("====")] == [
        run.__name__ for run in PIPELINE
    ]
    assert "i = (g * v)" in text


def test_include_dir(folder, capsys):
    (folder / "inc").mkdir()
    (folder / "inc" / "p.inc").write_text("PARAMETER { g = 1 }\n")
    (folder / "with.mod").write_text(GOOD.replace("PARAMETER { g = 1 }", 'INCLUDE "p.inc"'))
    assert main(["check", str(folder / "with.mod")]) == 1
    assert main(["check", str(folder / "with.mod"), "-I", str(folder / "inc")]) == 0
