"""Area, axial resistance and path distance of a snapshot's segments, as NEURON computes them (nrn_area_ri).

A segment is two halves; a half is one cylinder (sections without 3-D points) or a chain of frusta between 3-D points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.errors import ParameterError
from nrn_diff.snapshot import Capture
from nrn_diff.solver.structure import Structure
from nrn_diff.solver.values import Values

Array = jax.Array


@dataclass(frozen=True, eq=False)
class Geometry:
    """What turns L and diam into area and axial resistance; `capture.cable.frusta` holds the shapes."""

    capture: Capture
    structure: Structure

    def apply(self, values: Values) -> Values:
        """`values` with area and unit_ri of every segment from its L and diam."""
        cable, frusta = self.capture.cable, self.capture.cable.frusta
        section = cable.segment_section[frusta.segment]
        delta = frusta.length * (values.cable.L / jnp.asarray(cable.L))[section]
        diam = values.cable.diam[frusta.segment]
        cylinder = ~frusta.points[section]
        left, right = jnp.where(cylinder, diam, frusta.left), jnp.where(cylinder, diam, frusta.right)
        # nrn_area_ri keeps a division by zero away like this.
        resistance = 1.0 / jnp.maximum(left * right / jnp.maximum(delta, 1e-15), 1e-15)
        n = len(cable.segment_node)
        slant = delta**2 + (0.5 * (right - left)) ** 2
        # A 3-D point on the end of a segment leaves a piece without extent.
        side = jnp.where(slant > 0, jnp.sqrt(jnp.where(slant > 0, slant, 1.0)), 0.0)
        area = jnp.zeros(n).at[frusta.segment].add((left + right) * side) * (0.5 * np.pi)
        half = jnp.zeros((n, 2)).at[frusta.segment, frusta.half].add(resistance) * (0.04 / np.pi)
        near, far = self._halves
        padded = jnp.concatenate([half, jnp.zeros((1, 2))])
        unit_ri = padded[near, 0] + padded[far, 1]
        order = self.structure.tree.order
        changed = values.cable.area.at[self.structure.row_of_node[cable.segment_node]].set(area)
        values = values._replace(cable=values.cable._replace(area=changed, unit_ri=unit_ri[order]))
        layers, captured = values.extracellular, self.capture.extracellular
        if layers is None or captured is None:
            return values
        longer = (values.cable.L / jnp.asarray(cable.L))[cable.node_section[captured.nodes]]
        return values._replace(extracellular=layers._replace(half_length=layers.half_length * longer))

    @cached_property
    def _halves(self) -> tuple[np.ndarray, np.ndarray]:
        """For each node: the segment whose near half, and the one whose far half leads to its parent (-1: none)."""
        cable = self.capture.cable
        segment = np.full(len(cable.parent), -1)
        segment[cable.segment_node] = np.arange(len(cable.segment_node))
        above = np.where(cable.parent >= 0, segment[cable.parent], -1)
        same = (above >= 0) & (cable.node_section[cable.parent] == cable.node_section)
        return segment, np.where(same, above, -1)


def check_shape(capture: Capture, name: str, sections: np.ndarray) -> None:
    """Refuse `L` or `diam` as a parameter of sections where NEURON would do something else with it."""
    cable = capture.cable
    if not len(cable.frusta.points):
        raise ParameterError(f"{name!r} is no parameter of a model saved by an older nrn_diff; capture it again")
    names = cable.section_names
    if name == "diam" and np.any(cable.frusta.points[sections]):
        section = names[int(sections[cable.frusta.points[sections]][0])]
        raise ParameterError(
            f"'diam' of {section}: it has 3-D points, and NEURON rewrites all of them when a diameter is set, so that "
            "the taper is lost. Take `where` without such sections, or remove the points before the capture: "
            "h.pt3dclear(sec=...) keeps L and diam"
        )
    missing = np.setdiff1d(sections, cable.segment_section[cable.frusta.segment])
    if len(missing):
        raise ParameterError(
            f"{name!r} of {names[int(missing[0])]}: its 3-D points have spines, which is not supported"
        )


def path_distance(capture: Capture, origin: str | None) -> np.ndarray:
    """NEURON's h.distance from `origin` to each segment (um), [n_segments].

    origin: 'soma(0.5)'; None: the 0 end of the first section, as HOC's distance() without arguments has it. Segments of
    another tree: 1e20, as in NEURON.
    """
    cable = capture.cable
    if not len(cable.distance):
        raise ParameterError("path distances are not in a model saved by an older nrn_diff; capture it again")
    start = 0 if origin is None else _node(capture, origin)
    on_path, node = {}, start
    while node >= 0:
        on_path[node] = cable.distance[node]
        node = int(cable.parent[node])
    # Distance from the root at which the way to a node leaves the way to the origin.
    branch = np.full(len(cable.parent), np.nan)
    for k, parent in enumerate(cable.parent.tolist()):
        branch[k] = on_path.get(k, branch[parent] if parent >= 0 else np.nan)
    distance = cable.distance + cable.distance[start] - 2 * branch
    return np.where(np.isnan(distance), 1e20, distance)[cable.segment_node]


def _node(capture: Capture, place: str) -> int:
    cable = capture.cable
    name, _, rest = place.rpartition("(")
    try:
        x = float(rest.rstrip(")"))
        section = cable.section_names.index(name)
    except ValueError:
        raise ParameterError(f"origin={place!r} is no place of the model, e.g. {cable.section_names[0]}(0.5)") from None
    mine = np.flatnonzero(cable.segment_section == section)
    if x == cable.near_end[section]:
        return int(cable.parent[cable.segment_node[mine].min()])
    if x in (0.0, 1.0):
        return int(cable.segment_node[mine].max()) + 1
    return int(cable.segment_node[mine[min(int(x * len(mine)), len(mine) - 1)]])
