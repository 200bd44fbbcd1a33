"""NET_RECEIVE on the instances that events reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mod_translator import ir
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.structure import MechanismStructure
from nrn_diff.solver.values import Array


class Targets(NamedTuple):
    """What events change: variables of the instances, [..., n] by name, and the weights [n_connections, n_args]."""

    variables: dict[str, Array]
    weights: Array


class Arrivals(NamedTuple):
    """Events [width]: the connection (of the mechanism's own), the time (ms), and whether there is one at all."""

    connection: Array
    time: Array
    present: Array


@dataclass(frozen=True, eq=False)
class Receiver:
    """NET_RECEIVE (block 'net_receive') or the INITIAL inside it ('net_initial') of one mechanism at one moment.

    row [n_connections]: the target instance of each connection. constant: what the block reads and no event changes.
    """

    mechanism: MechanismStructure
    block: str
    row: Array
    constant: dict[str, Array]

    @classmethod
    def at(cls, now: Moment, mechanism: MechanismStructure, block: str) -> Receiver:
        """The receiver of a mechanism, with the values of this moment."""
        assert mechanism.deliveries is not None
        changing = mechanism.blocks[block].outputs
        inputs = [n for n in mechanism.blocks[block].inputs if n not in changing and n not in ("t", "flag")]
        row = jnp.asarray(mechanism.deliveries.row)
        return cls(mechanism, block, row, {name: now.read(mechanism, name) for name in inputs})

    def targets(self, now: Moment) -> Targets:
        """What the events of this moment start from."""
        here = now.mechanisms[self.mechanism.name]
        written = self.mechanism.blocks[self.block].outputs
        return Targets({n: here[n] for n in written if n in here}, now.weights[self.mechanism.name])

    def store(self, now: Moment, targets: Targets) -> None:
        """Keep what the events left."""
        now.mechanisms[self.mechanism.name].update(targets.variables)
        now.weights[self.mechanism.name] = targets.weights

    def receive(self, targets: Targets, events: Arrivals) -> Targets:
        """Events that all have different targets and different connections."""
        row = self.row[events.connection]
        results, args = self._run(targets, events, {n: x[..., row] for n, x in targets.variables.items()})
        # What is not there goes to a row that does not exist and is dropped.
        place = jnp.where(events.present, row, self.mechanism.count)
        variables = {n: x.at[..., place].set(results[n], mode="drop") for n, x in targets.variables.items()}
        return Targets(variables, self._store_args(targets.weights, events, results, args))

    def receive_sums(self, targets: Targets, events: Arrivals, connections: Any) -> Targets:
        """Any events, of different connections, of a block that only adds to the instance (see `only_adds`).

        connections: the Incidence from these events to instances.
        """
        each, weights = self.contributions(targets, events)
        return self.add(targets, each, events.present, connections)._replace(weights=weights)

    def contributions(self, targets: Targets, events: Arrivals) -> tuple[dict[str, Array], Array]:
        """What each event adds, if there is one, [..., width] by variable; and the new NetCon arguments."""
        zeros = {n: jnp.zeros((*x.shape[:-1], *events.time.shape)) for n, x in targets.variables.items()}
        results, args = self._run(targets, events, zeros)
        each = {n: jnp.broadcast_to(results[n], x.shape) for n, x in zeros.items()}
        return each, self._store_args(targets.weights, events, results, args)

    def add(self, targets: Targets, each: dict[str, Array], part: Array, connections: Any) -> Targets:
        """Add part [width] (bool: all or nothing) of each contribution to its instance."""
        variables = {}
        for name, x in targets.variables.items():
            added = jnp.where(part, each[name], 0.0) if part.dtype == bool else each[name] * part
            variables[name] = x + jnp.moveaxis(connections.sum(jnp.moveaxis(added, -1, 0)), 0, -1)
        return targets._replace(variables=variables)

    def _run(self, targets: Targets, events: Arrivals, own: dict[str, Array]) -> tuple[dict[str, Any], list[Array]]:
        row, block = self.row[events.connection], self.mechanism.blocks[self.block]
        given: dict[str, Array] = {"t": events.time, "flag": jnp.zeros(()), **own}
        for name, value in self.constant.items():
            each = self.mechanism.is_per_instance(name)
            given[name] = jax.tree.map(lambda x: x[..., row], value) if each else value
        args = [targets.weights[events.connection, k] for k in range(len(block.args))]
        return self.mechanism.run(self.block, {n: given[n] for n in block.inputs}, tuple(args)), args

    def _store_args(self, weights: Array, events: Arrivals, results: dict[str, Any], args: list[Array]) -> Array:
        names = self.mechanism.blocks[self.block].args
        if not any(name in results for name in names):
            return weights
        shape = events.time.shape
        new = jnp.stack([jnp.broadcast_to(results.get(n, old), shape) for n, old in zip(names, args, strict=True)], -1)
        place = jnp.where(events.present, events.connection, weights.shape[0])
        return weights.at[place].set(new, mode="drop")


def only_adds(mechanism: ir.Mechanism) -> bool:
    """Whether NET_RECEIVE changes its instance by sums alone: `g = g + weight*factor`, with nothing that reads g.

    Then events of one moment commute, and can be taken together.
    """
    routine = mechanism.net_receive
    if routine is None:
        return False
    written = {n for n in routine.writes if n not in routine.args}
    return all(_adds(statement, written) for statement in routine.body)


def _adds(statement: ir.Stmt, written: set[str]) -> bool:
    match statement:
        case ir.Assign(ir.Var(name), value, _) if name in written:
            match value:
                case ir.Binary("+" | "-", ir.Var(left), right) if left == name:
                    return not _mentions(right, written)
                case ir.Binary("+", left_part, ir.Var(right_name)) if right_name == name:
                    return not _mentions(left_part, written)
            return False
        case ir.Assign(ir.Var(), value, _):
            return not _mentions(value, written)
        case ir.If(condition, then, orelse, _):
            return not _mentions(condition, written) and all(_adds(s, written) for s in (*then, *orelse))
    return False


def _mentions(expression: ir.Expr, names: set[str]) -> bool:
    match expression:
        case ir.Var(name):
            return name in names
        case ir.Element(name, index):
            return name in names or _mentions(index, names)
        case ir.Unary(_, operand):
            return _mentions(operand, names)
        case ir.Binary(_, left, right):
            return _mentions(left, names) or _mentions(right, names)
        case ir.Call(_, args):
            # A FUNCTION could read a variable of the file.
            return any(_mentions(arg, names) for arg in args)
    return False
