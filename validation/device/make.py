"""Save the shipped model, with what NEURON records and with the gradient on this machine's CPU."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np


def parameters(model: Any) -> Any:
    """The free numbers of this case: sodium by section, leak and axial resistance for the whole cell."""
    from nrn_diff import Param

    return model.parameters(
        Param("gbar_nat", share="section"), Param("g_pas", share="all", relative=True), Param("Ra", share="all")
    )


def loss(model: Any, theta: Any) -> Any:
    """Mean squared distance of the first recorded voltage from -60 mV."""
    label = next(name for name in model.recorded if name.endswith(".v"))
    return ((model.simulate(theta)[label] + 60) ** 2).mean()


def main(folder: Path) -> None:
    """Write model.nrndiff and reference.npz."""
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.compile import compile_mods

    jax.config.update("jax_enable_x64", True)
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    shipped = Path(nrn_diff.__file__).parent / "demo" / "model"
    h.nrn_load_dll(str(compile_mods(shipped / "mods")))
    os.chdir(shipped)
    h.load_file("run.hoc")
    h("usetable_nat = 0")
    model = nrn_diff.capture()
    model.save(folder / "model.nrndiff")
    h.run()
    vectors = {vector.hname(): np.array(vector) for vector in h.List("Vector")}
    traces = {f"trace {r.label}": vectors[r.vector] for r in model.capture.records}
    gradient = jax.grad(lambda theta: loss(model, theta))(parameters(model))
    np.savez(folder / "reference.npz", **traces, **{f"gradient {k}": np.asarray(v) for k, v in gradient.items()})  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
