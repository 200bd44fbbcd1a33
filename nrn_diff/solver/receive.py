"""NET_RECEIVE on the instances that events reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mod_translator import ir
from mod_translator.passes.outbox import OWN, PRESENT, Site
from nrn_diff.solver.moment import Moment, replace_rows
from nrn_diff.solver.sample_group import SampleGroup
from nrn_diff.solver.structure import MechanismStructure
from nrn_diff.solver.turns import Turns, turns
from nrn_diff.solver.values import Array

# Up to this many pairs of events and instances all are compared: XLA makes a loop of every scatter on a CPU, and the
# derivative of a gather is a scatter.
_DENSE = 4096


class Targets(NamedTuple):
    """What events change: variables of the instances, [..., n] by name, and the weights [n_connections, n_args].

    taken: what Vectors have sampled of them so far in this half of a step (samples.py).
    """

    variables: dict[str, Array]
    weights: Array
    taken: tuple[Array, ...] = ()


class Arrivals(NamedTuple):
    """Events [width]: the connection (of the mechanism's own), the time (ms), and whether there is one at all."""

    connection: Array
    time: Array
    present: Array


@dataclass(frozen=True, eq=False)
class Receiver:
    """NET_RECEIVE (block 'net_receive') or the INITIAL inside it ('net_initial') of one mechanism at one moment.

    row [n_connections]: the target instance of each connection. constant: what the block reads and no event changes.
    played: what of it Vectors change in between. sampled, asked: what of its results Vectors sample in between, and
    when (ms), [most, n_kinds]; None if nothing.
    """

    mechanism: MechanismStructure
    block: str
    row: Array
    constant: dict[str, Array]
    played: Turns
    sampled: tuple[SampleGroup, ...] = ()
    asked: Array | None = None

    @classmethod
    def at(cls, now: Moment, mechanism: MechanismStructure, block: str) -> Receiver:
        """The receiver of a mechanism, with the values of this moment."""
        assert mechanism.deliveries is not None
        changing = mechanism.blocks[block].outputs
        of_event = ("t", "flag", PRESENT, OWN, *(mechanism.agenda.netcon_present if mechanism.agenda else ()))
        inputs = [n for n in mechanism.blocks[block].inputs if n not in changing and n not in of_event]
        row = jnp.asarray(mechanism.deliveries.row)
        played = turns(now, mechanism, mechanism.blocks[block].inputs)
        return cls(mechanism, block, row, {name: now.read(mechanism, name) for name in inputs}, played)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where the block sends events."""
        return self.mechanism.blocks[self.block].sites

    def targets(self, now: Moment) -> Targets:
        """What the events of this moment start from."""
        here = now.mechanisms[self.mechanism.name]
        written = self.mechanism.blocks[self.block].outputs
        variables = {n: here[n] for n in written if n in here}
        variables |= {n: now.read(self.mechanism, n) for n in self._through_pointers}
        if self._sets_v:
            variables[self.mechanism.ir.potential] = now.read(self.mechanism, "v")
        return Targets(variables, now.weights[self.mechanism.name])

    def _give_v(self, given: dict[str, Any]) -> None:
        """Let a WATCH find v as the event before has left it."""
        if self._sets_v:
            given["v"] = given[self.mechanism.ir.potential]

    @property
    def _through_pointers(self) -> tuple[str, ...]:
        """What is written elsewhere, where no other event finds it (see build_links.py)."""
        written = self.mechanism.blocks[self.block].outputs
        return tuple(n for n in written if n in self.mechanism.pointers)

    @property
    def _sets_v(self) -> bool:
        return self.mechanism.ir.potential in self.mechanism.blocks[self.block].outputs

    def store(self, now: Moment, targets: Targets) -> None:
        """Keep what the events left."""
        elsewhere = self._through_pointers
        own = {n: x for n, x in targets.variables.items() if n not in elsewhere}
        now.mechanisms[self.mechanism.name].update(own)
        now.store(self.mechanism, {n: targets.variables[n] for n in elsewhere})
        if self._sets_v:
            writer = self.mechanism.node.last
            new = writer.gather(targets.variables[self.mechanism.ir.potential])
            now.v = replace_rows(writer.target >= 0, new, now.v)
        if self.mechanism.draws_on_events:
            now.go_on_from(self.mechanism)
        now.weights[self.mechanism.name] = targets.weights

    def receive(self, targets: Targets, events: Arrivals) -> Targets:
        """Events that all have different targets and different connections."""
        return self.receive_and_send(targets, events)[0]

    def receive_and_send(self, targets: Targets, events: Arrivals) -> tuple[Targets, dict[str, Any]]:
        """As `receive`, with what the block returns, by the names of its sites and others."""
        row = self.row[events.connection]
        results, args = self._run(targets, events, {n: _pick(x, row) for n, x in targets.variables.items()})
        # What is not there goes to a row that does not exist and is dropped.
        place = jnp.where(events.present, row, self.mechanism.count)
        variables = {n: _put(x, place, results[n]) for n, x in targets.variables.items()}
        weights = self._store_args(targets.weights, events, results, args)
        return targets._replace(variables=variables, weights=weights), results

    def receive_each(
        self, targets: Targets, time: Array, flag: Array, connection: Array, present: Array
    ) -> tuple[Targets, dict[str, Any]]:
        """At most one event for each instance, [n] each; connection: -1 where none brought it. The block itself leaves
        everything as it is where there is none.
        """
        agenda, block = self.mechanism.agenda, self.mechanism.blocks[self.block]
        assert agenda is not None
        n_connections = targets.weights.shape[0]
        count = targets.weights.shape[1]

        def weights_of(connection: Array) -> list[Array]:
            if not n_connections:
                return [jnp.zeros(connection.shape)] * count
            at = jnp.where(connection < 0, n_connections, connection)
            held = [targets.weights.at[at, k].get(mode="fill", fill_value=0.0) for k in range(count)]
            for k, turn in self.played.weights.items():
                held[k] = jnp.where(connection < 0, 0.0, turn.at(held[k], jnp.maximum(connection, 0), time))
            return held

        given: dict[str, Any] = {"t": time, "flag": flag, PRESENT: present, **self.constant, **targets.variables}
        for name, turn in self.played.variables.items():
            given[name] = turn.at(given[name], jnp.arange(len(time)), time)
        self._give_v(given)
        args = weights_of(connection)
        netcons = jnp.asarray(agenda.netcons)
        for k, name in enumerate(agenda.netcon_present):
            given[name] = netcons[k] >= 0
            args += weights_of(netcons[k])
        if agenda.netcon_present:
            place = jnp.asarray(agenda.place)
            given[OWN] = place.at[connection].get(mode="fill", fill_value=-1) if n_connections else -1
            given[OWN] = jnp.where(connection < 0, -1, given[OWN])
        results = self.mechanism.run(self.block, {n: given[n] for n in block.inputs}, tuple(args))
        weights = targets.weights
        for k, names in enumerate(agenda.netcon_args):
            weights = _set_rows(weights, netcons[k], names, results)
        weights = _set_rows(weights, connection, block.args[:count], results)
        variables = {n: jnp.broadcast_to(results[n], x.shape) for n, x in targets.variables.items()}
        return targets._replace(variables=variables, weights=weights), results

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
            given[name] = jax.tree.map(lambda x: _pick(x, row), value) if each else value
        for name, turn in self.played.variables.items():
            given[name] = turn.at(given[name], row, events.time)
        self._give_v(given)
        args = [targets.weights[events.connection, k] for k in range(len(block.args))]
        for k, turn in self.played.weights.items():
            args[k] = turn.at(args[k], events.connection, events.time)
        return self.mechanism.run(self.block, {n: given[n] for n in block.inputs}, tuple(args)), args

    def _store_args(self, weights: Array, events: Arrivals, results: dict[str, Any], args: list[Array]) -> Array:
        names = self.mechanism.blocks[self.block].args
        if not any(name in results for name in names):
            return weights
        shape = events.time.shape
        new = jnp.stack([jnp.broadcast_to(results.get(n, old), shape) for n, old in zip(names, args, strict=True)], -1)
        place = jnp.where(events.present, events.connection, weights.shape[0])
        return weights.at[place].set(new, mode="drop")


def _pick(x: Array, row: Array) -> Array:
    """x[..., row]."""
    n, width = x.shape[-1], row.shape[0]
    if n == 1:
        return jnp.broadcast_to(x, (*x.shape[:-1], width))
    if n * width > _DENSE or not jnp.issubdtype(x.dtype, jnp.floating):
        return x[..., row]
    return jnp.where(row[:, None] == jnp.arange(n), x[..., None, :], 0.0).sum(-1)


def _put(x: Array, row: Array, new: Array) -> Array:
    """x with x[..., row] = new, where no row occurs twice; one that does not exist is dropped."""
    n, width = x.shape[-1], row.shape[0]
    if n * width > _DENSE:
        return x.at[..., row].set(new, mode="drop")
    new = jnp.broadcast_to(new, (*x.shape[:-1], width))
    here = row == jnp.arange(n)[:, None]
    return jnp.where(here.any(-1), jnp.where(here, new[..., None, :], 0.0).sum(-1), x)


def _set_rows(weights: Array, connection: Array, names: tuple[str, ...], results: dict[str, Any]) -> Array:
    """The weights with those of some connections (-1: none) replaced by what the block made of them."""
    if not weights.shape[0]:
        return weights  # of which JAX cannot make the derivative
    at = jnp.where(connection < 0, weights.shape[0], connection)
    for k, name in enumerate(names):
        if name in results:
            weights = weights.at[at, k].set(jnp.broadcast_to(results[name], connection.shape), mode="drop")
    return weights


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
