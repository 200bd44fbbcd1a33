"""Properties of every mod file of the tests: gradients are finite where values are; translation takes milliseconds."""

from __future__ import annotations

import inspect
import statistics
import time
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from emit_helpers import module, translated

from mod_translator import emit, ir
from mod_translator.api import analyse
from mod_translator.passes import PIPELINE
from mod_translator.report import Collector
from mod_translator.semantic.context import Context
from mod_translator.syntax.parse import parse
from mod_translator.syntax.source import Source
from nrn_diff.runtime import FunctionTable

HERE = Path(__file__).parent
MODS = sorted([*HERE.glob("*_mods/*.mod"), *(HERE.parent / "nrn_diff" / "demo").rglob("*.mod")])
BLOCKS = ("initial", "current", "advance", "net_receive")
# Where formulas have their removable singularities, and far beyond what a cell reaches.
SPECIAL = (-1e3, 1e3, -54.3, 0.01, -65.0, -100.5, 127.0, -29.0, -61.0, 1e-9, 250.0, -250.0, 3e3, -3e3, 1e4, -1e4)
VOLTAGES = np.r_[np.arange(-100.0, 61.0, 5.0), SPECIAL]
POINTS = len(VOLTAGES)


def over_points(value):
    """A variable, or the elements of an array, at each point."""
    value = jnp.asarray(value, dtype=float)
    return value if value.shape[-1:] == (POINTS,) else jnp.broadcast_to(value[..., None], (*value.shape, POINTS))


def inputs(mechanism, names, rng, left):
    """Something for each input: what INITIAL has left, live values and awkward ones."""
    made = {}
    for name in names:
        if name in left and mechanism.symbols[name].block != "STATE":
            made[name] = over_points(left[name])
            continue
        symbol = mechanism.symbols.get(name) or mechanism.symbols.get(name.rstrip("_"))
        length = symbol.length if symbol is not None else 0
        if name == "v":
            value = np.resize(VOLTAGES, POINTS)
        elif name in ("dt", "celsius", "diam", "area", "t"):
            value = np.full(POINTS, {"dt": 0.025, "celsius": 18.5, "diam": 3.0, "area": 100.0, "t": 2.5}[name])
        elif symbol is not None and symbol.block == "PARAMETER":
            value = symbol.default * np.where(np.arange(POINTS) % 2, 1.0, rng.uniform(0.9, 1.1, POINTS))
        elif symbol is not None and symbol.role.value == "ion":
            value = rng.choice([1e-4, 2.0, 10.0, 50.0, -80.0], POINTS)
        else:
            value = rng.choice([0.0, 1.0, 0.5, 1e-9, 0.3, 2.0], POINTS)
        made[name] = jnp.asarray(np.resize(value, (length, POINTS)) if length else value, dtype=float)
    return made


@pytest.mark.parametrize("path", MODS, ids=lambda p: p.stem)
def test_gradients_are_finite_where_values_are(path):
    mechanism = translated(path.read_text())
    made = module(mechanism)
    rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
    checked = 0
    tables = dict.fromkeys(t.name for t in emit.tables(mechanism))  # None: computed exactly
    function_tables = [s.name for s in mechanism.symbols.values() if s.role is ir.Role.TABLE]
    tables |= dict.fromkeys(function_tables, FunctionTable(jnp.asarray(0.7), ()))
    left = {}
    for block in BLOCKS:
        function = getattr(made, block, None)
        if function is None:
            continue
        parameters = inspect.signature(function).parameters
        free = [p for p in parameters if p not in tables]
        fixed = {name: tables[name] for name in tables if name in parameters}
        given = inputs(mechanism, free, rng, left)

        def outputs(values, function=function, free=free, fixed=fixed):
            results = function(**dict(zip(free, values, strict=True)), **fixed)
            return [over_points(results[name]) for name in results]

        if block == "initial":
            left = {n: x for n, x in function(**given, **fixed).items() if n in mechanism.symbols}
        values, pull = jax.vjp(outputs, list(given.values()))
        finite = np.all([np.isfinite(x).reshape(-1, POINTS).all(0) for x in values], axis=0)
        (slopes,) = pull([jnp.ones_like(x) for x in values])
        for name, slope in zip(given, slopes, strict=True):
            bad = (~np.isfinite(slope)).reshape(-1, POINTS).any(0) & finite
            where = {key: np.asarray(x)[..., bad] for key, x in given.items()} if bad.any() else {}
            assert not bad.any(), f"{block}, the derivative to {name}: {where}"
        checked += finite.sum()
    assert checked or not hasattr(made, "advance")


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
