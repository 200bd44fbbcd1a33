"""What NEURON and we recorded of one driven mechanism, compared; and whether its gradients are finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mod_translator import ir
from mod_translator.passes.walk import statements

# Where a trace hardly moves, its rounding error is judged by this part of its size; that of a current which is the
# difference of large fluxes by this current (mA/cm2 or nA; the leak carries 1e-2).
_FLAT, _NO_CURRENT = 1e-6, 1e-10
# A state far below the largest one that is solved together with it, by this part of the latter (4 eps / TOLERANCE).
_SOLVED = 1e-9


def solved_together(mechanism: ir.Mechanism) -> frozenset[str]:
    """States that one linear system couples: rounding leaves in each of them what the largest one brings."""
    routines = (mechanism.initial, mechanism.advance, *mechanism.routines.values())
    bodies = [routine.body for routine in routines if routine is not None]
    return frozenset(
        name for body in bodies for s in statements(body) if isinstance(s, ir.SolveImplicit) for name in s.states
    )


def recorded(h: Any) -> dict[str, np.ndarray]:
    """What NEURON's Vectors hold, by their names."""
    return {vector.hname(): np.array(vector) for vector in h.List("Vector")}


def compare(model: Any, recording: Any, vectors: dict[str, np.ndarray], mechanism: ir.Mechanism) -> dict[str, Any]:
    """Largest difference relative to the variable's range, over everything recorded; what moved, of `mechanism` too."""
    currents = {"current", *(current.name for current in mechanism.currents)}
    together = solved_together(mechanism)
    largest = max(
        (np.nanmax(np.abs(vectors[r.vector])) for r in model.capture.records if r.variable in together), default=0.0
    )
    worst, finite, moving, own = ("", 0.0, 0.0), True, 0, 0
    for record in model.capture.records:
        theirs, ours = vectors[record.vector], np.asarray(recording[record.label])
        finite = finite and bool(np.isfinite(theirs).all())
        same = (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))
        with np.errstate(invalid="ignore"):
            absolute = np.where(same, 0.0, np.abs(theirs - ours))
        absolute[np.isnan(absolute)] = np.inf
        known = theirs[np.isfinite(theirs)]
        size = float(np.ptp(known)) if known.size else 0.0
        moving += size > 0
        own += size > 0 and record.owner == mechanism.name
        least = _NO_CURRENT if record.variable in currents else 1e-300
        if record.variable in together and record.owner == mechanism.name:
            least = _SOLVED * largest
        size = max(size, _FLAT * float(np.abs(known).max()) if known.size else 0.0, least)
        if absolute.max() / size > worst[1]:
            worst = (record.label, float(absolute.max() / size), float(absolute.max()))
    return {
        "worst": worst[0],
        "relative": worst[1],
        "absolute": worst[2],
        "recorded": len(model.capture.records),
        "moving": moving,
        "own_moving": own,
        "finite": finite,
    }


def moved_by_a_hair(model: Any, h: Any, mechanism: ir.Mechanism) -> float:
    """How far NEURON's own traces move, as `compare` measures it, when v_init moves by 1e-11 mV.

    Where that is as much as the difference between NEURON and us, the file leaves the digits to chance: an instability
    of the equations or of the step carries every rounding error that far. Infinite where that run ends with an error.
    """
    before = recorded(h)
    h.v_init += 1e-11
    try:
        h.run()
    except RuntimeError:
        return math.inf
    finally:
        h.v_init -= 1e-11
    traces = {record.label: before[record.vector] for record in model.capture.records}
    return float(compare(model, traces, recorded(h), mechanism)["relative"])


def gradient(model: Any, mechanism: ir.Mechanism) -> str:
    """'finite', or the parameters whose gradient of the sum of everything recorded is not."""
    import jax
    import jax.numpy as jnp

    dot = mechanism.kind is ir.Kind.POINT
    wanted = [
        f"{mechanism.name}.{s.name}" if dot and s.role is ir.Role.INSTANCE else f"{s.name}_{mechanism.name}"
        for s in mechanism.symbols.values()
        if s.block == "PARAMETER" and not s.length and s.role in (ir.Role.INSTANCE, ir.Role.GLOBAL)
    ]
    theta = model.parameters(*[name for name in wanted if name in set(model.parameter_names)])
    if not theta:
        return "no parameters"

    def loss(free: Any) -> Any:
        recording = model.simulate(free)
        return sum(jnp.mean(recording[label]) for label in recording)

    slopes = jax.jit(jax.grad(loss))(theta)
    bad = [name for name, slope in slopes.items() if not np.isfinite(np.asarray(slope)).all()]
    return f"not finite: {', '.join(bad)}" if bad else "finite"
