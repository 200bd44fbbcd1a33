"""The verdict on one mod file: translate, compile, and drive it in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mod_translator
from mod_translator import emit, ir
from mod_translator.errors import TranslationError
from validation import driven
from validation.mods.drivers import needed
from validation.mods.library import compile_folder, compile_text, renamed
from validation.mods.sets import Mod

TIME_LIMIT = 240.0
_ROOT = Path(__file__).resolve().parent.parent.parent


class Study:
    """Examines mods. rename: give another name to what collides with a built-in mechanism; gradients: try them too."""

    def __init__(self, taken: frozenset[str], *, rename: bool = False, gradients: bool = True) -> None:
        self._taken = taken
        self._rename = rename
        self._gradients = gradients

    def translate(self, mod: Mod) -> tuple[ir.Mechanism | None, dict[str, Any]]:
        """The mechanism, or None; and what the translation says, with a digest of all that the verdict depends on."""
        folders = [] if mod.folder is None else [mod.folder]
        mechanism, report = mod_translator.lower(self._text(mod), folders, mod.file)
        said = {"name": report.name, "kind": report.kind, "notes": len(report.notes), "reasons": driven.reasons(report)}
        source = repr(mechanism)
        if mechanism is not None and mechanism.kind is not ir.Kind.ARTIFICIAL:
            try:
                source = emit.emit(mechanism)
            except TranslationError as error:  # legal, but not traceable
                said["reasons"], mechanism = [{"code": error.code, "line": error.line, "reason": error.reason}], None
            except Exception as error:  # a bug of ours is a result too
                said["bug"] = f"{type(error).__name__}: {error}"[:300]
        state = hashlib.sha256(repr((source, said["reasons"], driven.VERSION)).encode()).hexdigest()[:16]
        return mechanism, {**said, "state": state}

    def _text(self, mod: Mod) -> str:
        return renamed(mod.text, self._taken) if self._rename and mod.folder is not None else mod.text

    def run(self, mod: Mod, mechanism: ir.Mechanism | None, said: dict[str, Any]) -> dict[str, Any]:
        """The whole record of one mod."""
        outcome: dict[str, Any]
        library = None
        if mod.folder is not None:
            library = compile_text(mod.file, self._text(mod), mod.folder)
        if library is not None and library.error:
            outcome = {"verdict": "not compiled", "reasons": [_plain(library.error)]}
        elif mechanism is not None and mechanism.name == ir.LIBRARY:
            outcome = {"verdict": "not simulated"}
        elif "bug" in said:
            outcome = {"verdict": "error", "reasons": [_plain(said["bug"])]}
        elif mechanism is None:
            outcome = {"verdict": "refused", "stage": "translation"}
            if library is not None and not _loads(library.path, mod.folder):
                outcome = {"verdict": "NEURON fails", "reasons": [_plain("NEURON does not load the compiled file")]}
        else:
            path = (library.path,) if library is not None else ()
            outcome = self._drive(mod, mechanism, path)
        return {"file": mod.label, "sha256": mod.sha256, "copies": len(mod.copies), **said, **outcome}

    def _drive(self, mod: Mod, mechanism: ir.Mechanism, own: tuple[str, ...]) -> dict[str, Any]:
        before: list[str] = []
        after: list[str] = []
        for name, text in needed(mechanism).items():
            # What declares the valence of an ion must be there before the mechanism that leaves it open.
            (before if "VALENCE" in text else after).append(compile_text(f"{name}.mod", text).path)
        celsius = driven.TEMPERATURES[int(mod.sha256[:4], 16) % len(driven.TEMPERATURES)]
        job = driven.Job(mechanism.name, (*before, *own, *after), celsius, self._gradients)
        outcome = run_job(job)
        if outcome["verdict"] == "NEURON fails" and "does not load" in str(outcome) and mod.folder is not None:
            together = compile_folder(mod.folder)
            job = replace(job, libraries=(*before, together, *after)) if together else job
            outcome = run_job(job) if together else outcome
        if outcome["verdict"] == "refused" and outcome["stage"] in ("capture", "run"):
            again = run_job(replace(job, apart=True))
            outcome = {**again, "apart": True} if again["verdict"] != "refused" else outcome
        return {**outcome, "celsius": celsius}


def _loads(library: str, folder: Path | None) -> bool:
    """Whether NEURON loads a compiled file, alone or with its neighbours."""
    return _load(library) or (folder is not None and (together := compile_folder(folder)) != "" and _load(together))


def _load(library: str) -> bool:
    code = f"import sys; from neuron import h; sys.exit(not h.nrn_load_dll({library!r}))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def run_job(job: driven.Job) -> dict[str, Any]:
    """Examine in a fresh process; what NEURON prints goes nowhere unless it ends the process."""
    with tempfile.TemporaryDirectory(prefix="nrn-diff-driven-") as folder:
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(asdict(job)))
        try:
            done = subprocess.run(
                [sys.executable, "-m", "validation.driven", str(path)],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(_ROOT), "NEURON_MODULE_OPTIONS": "-nogui", "JAX_PLATFORMS": "cpu"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as expired:
            said = expired.stdout.decode(errors="replace").splitlines() if expired.stdout else []
            if driven.IN_NEURON in said and driven.OUT_OF_NEURON not in said:
                return {
                    "verdict": "NEURON fails",
                    "reasons": [_plain(f"NEURON's run does not end in {TIME_LIMIT:g} s")],
                }
            return {"verdict": "time-out", "reasons": [_plain(f"not done after {TIME_LIMIT:g} s")]}
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines and lines[-1].startswith("{"):
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    tail = [line.strip() for line in lines if line.strip()][-3:]
    stage = "NEURON fails" if any(line.startswith("NEURON:") for line in map(str.strip, lines)) else "crash"
    return {"verdict": stage, "reasons": [_plain(f"exit status {done.returncode}: {' | '.join(tail)}"[:300])]}


def _plain(text: str) -> dict[str, Any]:
    return {"code": "", "line": 0, "reason": text}
