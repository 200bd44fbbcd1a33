"""The property that the gradients of a mechanism's blocks are finite wherever their values are."""

from __future__ import annotations

import inspect
import zlib

import jax
import jax.numpy as jnp
import numpy as np
from emit_helpers import module

from mod_translator import emit, ir
from mod_translator.passes.walk import blocks, expressions, statements, subexpressions
from nrn_diff.runtime import FunctionTable

BLOCKS = ("initial", "current", "advance", "net_receive")
POINTS = 192  # the same for all mechanisms: each operation is then compiled once
LARGE = 1e100  # values beyond may have derivatives beyond the largest number
AT_ZERO = 6  # points at which one of the parameters is 0
# Where formulas have their removable singularities, and far beyond what a cell reaches.
SPECIAL = (-1e3, 1e3, -54.3, 0.01, -65.0, -100.5, 127.0, -29.0, -61.0, 1e-9, 250.0, -250.0, 3e3, -3e3, 1e4, -1e4)
VOLTAGES = np.r_[np.arange(-100.0, 61.0, 5.0), SPECIAL]


def numbers_of(mechanism):
    """Every number and default of a file, with both signs, as a voltage: where its denominators may vanish."""
    found = {s.default for s in mechanism.symbols.values() if s.block in ("PARAMETER", "CONSTANT")}
    for routine in (*mechanism.routines.values(), *blocks(mechanism).values()):
        for statement in statements(routine.body):
            for expr in expressions(statement):
                found |= {e.value for e in subexpressions(expr) if isinstance(e, ir.Num)}
        if routine.table is not None:
            bounds = (*subexpressions(routine.table.low), *subexpressions(routine.table.high))
            found |= {e.value for e in bounds if isinstance(e, ir.Num)}
    near = sorted({sign * abs(x) for x in found if 0.5 < abs(x) < 200 for sign in (-1, 1)})
    return near[:: max(1, len(near) // 60)]


def over_points(value):
    """A variable, or the elements of an array, at each point."""
    value = jnp.asarray(value, dtype=float)
    return value if value.shape[-1:] == (POINTS,) else jnp.broadcast_to(value[..., None], (*value.shape, POINTS))


def inputs(mechanism, names, rng, left):
    """Something for each input: what INITIAL has left, live values and awkward ones."""
    made = {}
    parameters = sorted(n for n, s in mechanism.symbols.items() if s.block == "PARAMETER" and s.default)
    voltages = [*VOLTAGES, *numbers_of(mechanism)]
    last = range(POINTS - 1, len(voltages) + AT_ZERO, -AT_ZERO)
    zero_at = {name: np.arange(at, at - AT_ZERO, -1) for name, at in zip(parameters, last, strict=False)}
    for name in names:
        symbol = mechanism.symbols.get(name) or mechanism.symbols.get(name.rstrip("_"))
        if name in left and mechanism.symbols[name].block not in ("STATE", "PARAMETER"):
            made[name] = over_points(left[name])
            continue
        length = symbol.length if symbol is not None else 0
        if name == "v":
            value = np.resize(voltages, POINTS)
            value[len(voltages) :] = np.resize(VOLTAGES[: -len(SPECIAL)], POINTS - len(voltages))
        elif name in ("dt", "celsius", "diam", "area", "t"):
            value = np.full(POINTS, {"dt": 0.025, "celsius": 18.5, "diam": 3.0, "area": 100.0, "t": 2.5}[name])
        elif symbol is not None and symbol.block == "PARAMETER":
            value = symbol.default * np.where(np.arange(POINTS) % 2, 1.0, rng.uniform(0.9, 1.1, POINTS))
            value[zero_at.get(symbol.name, [])] = 0.0
        elif symbol is not None and symbol.role.value == "ion":
            value = rng.choice([1e-4, 2.0, 10.0, 50.0, 80.0], POINTS) * (1 if name.endswith(("i", "o")) else -1)
        else:
            value = rng.choice([0.0, 1.0, 0.5, 1e-9, 0.3, 2.0], POINTS)
        made[name] = jnp.asarray(np.resize(value, (length, POINTS)) if length else value, dtype=float)
    return made


def infinite_gradients(mechanism):
    """(what is not finite where all values of a block are: (block, input, point), number of points looked at)."""
    made = module(mechanism)
    rng = np.random.default_rng(zlib.crc32(mechanism.name.encode()))
    tables = dict.fromkeys(t.name for t in emit.tables(mechanism))  # None: computed exactly
    function_tables = [s.name for s in mechanism.symbols.values() if s.role is ir.Role.TABLE]
    tables |= dict.fromkeys(function_tables, FunctionTable(jnp.asarray(0.7), ()))
    left, found, checked = {}, [], 0
    for block in BLOCKS:
        function = getattr(made, block, None)
        if function is None:
            continue
        taken = inspect.signature(function).parameters
        free = [p for p in taken if p not in tables]
        fixed = {name: tables[name] for name in tables if name in taken}
        given = inputs(mechanism, free, rng, left)

        def outputs(values, function=function, free=free, fixed=fixed):
            results = function(**dict(zip(free, values, strict=True)), **fixed)
            return [over_points(results[name]) for name in results]

        if block == "initial":
            left = {n: x for n, x in function(**given, **fixed).items() if n in mechanism.symbols}
        values, pull = jax.vjp(outputs, list(given.values()))
        moderate = [~np.isnan(x) for x in given.values()] + [np.abs(x) < LARGE for x in values]
        rows = np.concatenate([x.reshape(-1, POINTS) for x in moderate] or [np.ones((1, POINTS), bool)])
        finite = rows[rows.any(1)].all(0)  # an element that never is a number stands for none, as of a LAG
        (slopes,) = pull([jnp.ones_like(x) for x in values])
        for name, slope in zip(given, slopes, strict=True):
            if name == "dt":  # no parameter of a model
                continue
            bad = (~np.isfinite(slope)).reshape(-1, POINTS).any(0) & finite
            for at in np.flatnonzero(bad):
                found.append((block, name, {key: np.asarray(x)[..., at].tolist() for key, x in given.items()}))
        checked += int(np.sum(finite))
    return found, checked
