"""The tree in each simulator, as two functions without arguments: a whole run, and a gradient of it.

The gradient is that of the mean squared distance of one voltage from -60 mV with respect to the sodium conductance of
every segment.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import jax

from nrn_diff.speed.tree import Tree


class AbstractEngine(abc.ABC):
    """One simulator with the tree built in it."""

    @abc.abstractmethod
    def __init__(self, tree: Tree) -> None: ...

    @abc.abstractmethod
    def forward(self) -> Callable[[], Any]:
        """A run of the whole tree that waits for its result."""

    @abc.abstractmethod
    def gradient(self) -> Callable[[], Any] | None:
        """A gradient, None where there is none."""


class Neuron(AbstractEngine):
    """NEURON itself, hh without its table, as h.run() does it."""

    def __init__(self, tree: Tree) -> None:
        from neuron import h

        h.load_file("stdrun.hoc")
        self.h = h
        self.sections = [h.Section(f"b{k}") for k in range(len(tree.parents))]
        for section, parent in zip(self.sections, tree.parents, strict=True):
            if parent >= 0:
                section.connect(self.sections[parent](1))
            section.L, section.diam, section.nseg, section.Ra = tree.length, tree.diam, tree.nseg, tree.Ra
            section.insert("hh")
        h.usetable_hh = 0
        self.clamp = h.IClamp(self.sections[0](0.05))
        self.clamp.delay, self.clamp.dur, self.clamp.amp = 1, tree.tstop, tree.current
        self.vectors = [h.Vector().record(self.sections[0](0.05)._ref_v), h.Vector().record(h._ref_t)]
        h.celsius, h.v_init, h.dt, h.tstop = 6.3, -65, tree.dt, tree.tstop
        h.steps_per_ms = round(1 / tree.dt)

    def forward(self) -> Callable[[], Any]:
        """h.run()."""
        return self.h.run

    def gradient(self) -> Callable[[], Any] | None:
        """NEURON has none."""
        return None


class NrnDiff(AbstractEngine):
    """The model captured from NEURON."""

    def __init__(self, tree: Tree) -> None:
        import nrn_diff

        self.neuron = Neuron(tree)
        model = nrn_diff.capture()
        self.theta = model.parameters("gnabar_hh")
        label = next(name for name in model.recorded if name.endswith(".v"))

        def voltage(theta: Any) -> jax.Array:
            return model.simulate(theta)[label]

        self._voltage = jax.jit(voltage)
        self._slope = jax.jit(jax.value_and_grad(lambda theta: ((voltage(theta) + 60) ** 2).mean()))

    def forward(self) -> Callable[[], Any]:
        """Model.simulate."""
        return lambda: jax.block_until_ready(self._voltage(self.theta))

    def gradient(self) -> Callable[[], Any] | None:
        """jax.value_and_grad of it."""
        return lambda: jax.block_until_ready(self._slope(self.theta))


class Jaxley(AbstractEngine):
    """The same tree built by hand in Jaxley."""

    def __init__(self, tree: Tree) -> None:
        import jax.numpy as jnp
        import jaxley as jx
        from jaxley.channels import HH

        branch = jx.Branch([jx.Compartment()] * tree.nseg)
        cell = jx.Cell([branch] * len(tree.parents), parents=list(tree.parents))
        cell.insert(HH())
        cell.set("length", tree.length / tree.nseg)
        cell.set("radius", tree.diam / 2)
        cell.set("axial_resistivity", tree.Ra)
        cell.set("v", -65.0)
        current = jx.step_current(1.0, tree.tstop, tree.current, tree.dt, tree.tstop)
        cell.branch(0).comp(0).stimulate(current)
        cell.branch(0).comp(0).record()
        cell.init_states(delta_t=tree.dt)
        cell.comp("all").make_trainable("HH_gNa")
        self.params = cell.get_parameters()

        def voltage(params: Any) -> jax.Array:
            return jnp.asarray(jx.integrate(cell, params=params, delta_t=tree.dt))[0]

        self._voltage = jax.jit(voltage)
        self._slope = jax.jit(jax.value_and_grad(lambda params: ((voltage(params) + 60) ** 2).mean()))

    def forward(self) -> Callable[[], Any]:
        """jaxley.integrate."""
        return lambda: jax.block_until_ready(self._voltage(self.params))

    def gradient(self) -> Callable[[], Any] | None:
        """jax.value_and_grad of it, without checkpoints (Jaxley's fastest way)."""
        return lambda: jax.block_until_ready(self._slope(self.params))


ENGINES: dict[str, type[AbstractEngine]] = {"neuron": Neuron, "nrn_diff": NrnDiff, "jaxley": Jaxley}
