"""Properties of every mod file of the tests: gradients are finite where values are; translation takes milliseconds."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
from emit_helpers import translated
from finite_gradients import infinite_gradients

import mod_translator
from mod_translator import emit, ir
from mod_translator.api import analyse
from mod_translator.errors import TranslationError
from mod_translator.passes import PIPELINE
from mod_translator.report import Collector
from mod_translator.semantic.context import Context
from mod_translator.syntax.parse import parse
from mod_translator.syntax.source import Source
from validation.mods.sets import PACKAGES, collect

HERE = Path(__file__).parent
MODS = sorted([*HERE.glob("*_mods/*.mod"), *(HERE.parent / "nrn_diff" / "demo").rglob("*.mod")])
SETS = {
    "neuron": 20,
    "pyfibers": 40,
    "emodelrunner": 40,
    "bmtk": 10,
}  # packages, and how many mods at least are looked at


@pytest.mark.long
@pytest.mark.parametrize("path", MODS, ids=lambda p: p.stem)
def test_gradients_are_finite_where_values_are(path):
    mechanism = translated(path.read_text())
    found, checked = infinite_gradients(mechanism)
    assert not found, found[0]
    assert checked or mechanism.advance is None


@pytest.mark.corpus
@pytest.mark.parametrize("name", SETS)
def test_gradients_of_the_mods_of_packages_are_finite_where_values_are(name):
    pytest.importorskip(PACKAGES.get(name, name))
    looked_at = 0
    for mod in collect(name, {}):
        try:
            mechanism, _ = mod_translator.lower(
                mod.text, file=mod.file, include_dirs=[mod.folder] if mod.folder else ()
            )
            if mechanism is None or mechanism.kind is ir.Kind.ARTIFICIAL:
                continue
            found, checked = infinite_gradients(mechanism)
        except TranslationError:
            continue
        assert not found, (mod.label, found[0])
        looked_at += bool(checked)
    assert looked_at >= SETS[name]


@pytest.mark.long
def test_a_typical_file_is_translated_in_less_than_fifty_milliseconds_after_parsing():
    def seconds(path):
        collector = Collector()
        source = Source(path.read_text(), (), path.name)
        context = Context(source, collector)
        parsed = parse(source, collector)
        start = time.process_time()
        mechanism = analyse(parsed, context)
        for run in PIPELINE:
            mechanism = run(mechanism, context)
        emit.emit(mechanism)
        return time.process_time() - start

    taken = [min(seconds(path) for _ in range(2)) for path in MODS]
    assert statistics.median(taken) < 0.05  # measured: 0.008
