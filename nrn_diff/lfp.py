"""Potentials outside of the cells from the currents through their membranes: forward models in an infinite medium.

    model = lfp.with_membrane_currents(model)
    recording = model.simulate(theta)
    phi = lfp.potential(model, recording, electrodes=[[30, 0, 0]], sigma=0.3)      # [n_electrodes, n_samples] (mV)

Pure in the recording, the electrodes and the conductivity, so that a loss on `phi` has gradients with respect to all of
them. The medium does not act back on the cells (for that NEURON has `extracellular`).
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mod_translator import ir
from nrn_diff.errors import ParameterError
from nrn_diff.model import Model
from nrn_diff.quantities import segment_labels
from nrn_diff.snapshot import Record

_CURRENT = "i_membrane_"


class Segments(NamedTuple):
    """start, end [n_segments, 3], radius [n_segments] (um), in the order of h.allsec()."""

    start: Any
    end: Any
    radius: Any


class AbstractSource(abc.ABC):
    """How the current of a segment is spread in space."""

    @abc.abstractmethod
    def response(self, segments: Segments, electrodes: jax.Array, sigma: Any) -> jax.Array:
        """Potential for each current, [n_electrodes, n_segments] (mV / nA); electrodes [n, 3] (um), sigma (S/m)."""


class PointSource(AbstractSource):
    """The current leaves at the middle of the segment, no electrode being nearer than its radius."""

    def response(self, segments: Segments, electrodes: jax.Array, sigma: Any) -> jax.Array:
        """See the base class."""
        middle = (segments.start + segments.end) / 2
        squared = jnp.sum((electrodes[:, None] - middle) ** 2, axis=-1)
        return 1.0 / (4 * jnp.pi * sigma * jnp.sqrt(jnp.maximum(squared, segments.radius**2)))


class LineSource(AbstractSource):
    """The current leaves evenly along the axis of the segment (Holt and Koch 1999).

    An electrode that is nearer to the line than the radius is taken to be on the surface. A segment without extent is a
    point.
    """

    def response(self, segments: Segments, electrodes: jax.Array, sigma: Any) -> jax.Array:
        """See the base class."""
        axis = segments.end - segments.start
        length = np.sqrt(np.sum(np.square(axis), axis=-1))
        extent = np.where(length > 0, length, 1.0)
        beyond = jnp.sum((electrodes[:, None] - segments.end) * (axis / extent[:, None]), axis=-1)
        squared = jnp.sum((electrodes[:, None] - segments.end) ** 2, axis=-1) - beyond**2
        r = jnp.sqrt(jnp.maximum(squared, segments.radius**2))
        line = (jnp.arcsinh((beyond + extent) / r) - jnp.arcsinh(beyond / r)) / (4 * jnp.pi * sigma * extent)
        return jnp.where(length > 0, line, PointSource().response(segments, electrodes, sigma))


def segments(model: Model) -> Segments:
    """Where the segments of a model lie: its 3-D points, or NEURON's layout of a stylised cell."""
    cable = model.capture.cable
    if cable.ends is None:
        raise ParameterError("the saved model has no positions: it was written before they were kept; capture it again")
    return Segments(cable.ends[:, 0], cable.ends[:, 1], cable.diam / 2)


def with_membrane_currents(model: Model) -> Model:
    """The same model that also records the current through the membrane of each segment (nA).

    Raises ParameterError if a point process puts a current into a node without area (0 or 1 of a section), which no
    segment holds.
    """
    capture = model.capture
    for data in capture.mechanisms:
        point = data.ir.kind is ir.Kind.POINT and not any(c.electrode for c in data.ir.currents)
        for row in np.flatnonzero(~capture.cable.has_area[data.nodes]).tolist() if point and data.ir.currents else ():
            raise ParameterError(
                f"{data.labels[row]} is at an end of a section, where there is no membrane to hold its current; "
                "put it into the first or last segment"
            )
    labels = segment_labels(capture)
    own = tuple(
        Record(
            f"{label}.{_CURRENT}{'' if labels.index(label) == k else f' #{k}'}",
            "membrane",
            int(node),
            variable=_CURRENT,
        )
        for k, (label, node) in enumerate(zip(labels, capture.cable.segment_node, strict=True))
    )
    return Model(dataclasses.replace(capture, records=(*capture.records, *own)))


def membrane_currents(model: Model, recording: Mapping[str, Any]) -> jax.Array:
    """The currents that `with_membrane_currents` records, [n_segments, n_samples] (nA)."""
    label = {r.index: r.label for r in model.capture.records if r.variable == _CURRENT}
    nodes = model.capture.cable.segment_node.tolist()
    if not all(node in label for node in nodes):
        raise ParameterError("the model does not record the currents of all segments: use lfp.with_membrane_currents")
    return jnp.stack([recording[label[node]] for node in nodes])


def potential(
    model: Model,
    recording: Mapping[str, Any],
    electrodes: Any,
    sigma: Any = 0.3,
    source: AbstractSource = LineSource(),  # noqa: B008
) -> jax.Array:
    """Potential at electrodes, [n_electrodes, n_samples] (mV), against a reference far away.

    recording: of a model from `with_membrane_currents`. electrodes [n_electrodes, 3] (um), in the coordinates of the
    3-D points. sigma: conductivity of the medium (S/m).
    """
    electrodes = jnp.asarray(electrodes, float)
    if electrodes.ndim != 2 or electrodes.shape[1] != 3:
        raise ParameterError(f"electrodes must have shape (number of electrodes, 3), not {electrodes.shape}")
    return source.response(segments(model), electrodes, sigma) @ membrane_currents(model, recording)
