"""Which assignments give every instance the same value at the same time.

A value is uniform if it is computed from numbers, GLOBALs, celsius, t and dt only, under conditions that are uniform
too. What an instance holds, v, diam, area, ions and the arguments of NET_RECEIVE are not.
"""

from __future__ import annotations

from collections.abc import Iterable

from mod_translator import ir
from mod_translator.passes.walk import blocks, expressions, subexpressions
from mod_translator.semantic.names import DISCONTINUITY_ALLOWED

_UNIFORM_EXTERNALS = frozenset({"t", "dt", "celsius", DISCONTINUITY_ALLOWED})


class Uniformity:
    """Which shared variables are assigned a uniform value wherever they are assigned.

    varying: variables that are known to differ from instance to instance at the same place of a block.
    """

    def __init__(self, mechanism: ir.Mechanism, varying: Iterable[str] = ()) -> None:
        self.mechanism = mechanism
        self.varying = set(varying)  # and shared variables with an assignment that is not uniform
        self._followed: dict[tuple[str, frozenset[tuple[str, bool]], bool, int], dict[str, bool]] = {}
        before = -1
        while len(self.varying) != before:
            before = len(self.varying)
            for field, routine in blocks(mechanism).items():
                everywhere = field not in ("net_receive", "net_initial")  # an event runs in one instance
                self._run(routine.body, dict.fromkeys(routine.args, False), everywhere)

    def of(self, name: str) -> bool:
        """Return True if every assignment of the shared variable `name` is uniform."""
        return name not in self.varying

    def left_by(self, routine: ir.Routine) -> dict[str, bool]:
        """Return of what a block assigns, whether it leaves the same in all instances."""
        known = dict.fromkeys(routine.args, False)
        self._run(routine.body, known, True)
        return known

    def _variable(self, name: str, known: dict[str, bool]) -> bool:
        if name in known:
            return known[name]
        symbol = self.mechanism.symbols.get(name)
        if symbol is None:
            return False
        if symbol.role is ir.Role.EXTERNAL:
            return name in _UNIFORM_EXTERNALS
        return symbol.role in (ir.Role.GLOBAL, ir.Role.CONSTANT, ir.Role.TABLE) and name not in self.varying

    def _expr(self, expr: ir.Expr, known: dict[str, bool]) -> bool:
        uniform = True
        for part in subexpressions(expr):
            if isinstance(part, ir.Var | ir.Element):
                uniform = uniform and self._variable(part.name, known)
            elif isinstance(part, ir.Call):
                uniform = self._call(part.name, part.args, known, True) and uniform
        return uniform

    def _call(self, name: str, args: tuple[ir.Expr, ...], known: dict[str, bool], path: bool) -> bool:
        """Follow a call; return whether its value is uniform. What it assigns goes to `known`."""
        routine = self.mechanism.routines.get(name)
        if routine is None:
            return not name.startswith(("random_", "net_"))
        inside = {k: u for k, u in known.items() if k in self.mechanism.symbols}
        inside |= {a: self._expr(e, known) for a, e in zip(routine.args, args, strict=True)}
        key = (name, frozenset(inside.items()), path, len(self.varying))
        if key not in self._followed:
            self._run(routine.body, inside, path)
            if routine.table is not None:  # a lookup gives what the argument decides
                argument = inside[routine.args[0]]
                inside |= dict.fromkeys(routine.table.variables, argument)
            self._followed[key] = inside
        inside = self._followed[key]
        known.update({k: u for k, u in inside.items() if k in self.mechanism.symbols and k not in routine.args})
        return all(inside.get(r, True) for r in routine.results)

    def _run(self, body: tuple[ir.Stmt, ...], known: dict[str, bool], path: bool) -> None:
        for statement in body:
            self._statement(statement, known, path)

    def _statement(self, statement: ir.Stmt, known: dict[str, bool], path: bool) -> None:
        match statement:
            case ir.Assign(target, _, _):
                uniform = all(self._expr(e, known) for e in expressions(statement))
                self._assign(target.name, uniform and path, known)
            case ir.If(condition, then, orelse, _):
                inner = self._expr(condition, known) and path
                branches = [dict(known), dict(known)]
                self._run(then, branches[0], inner)
                self._run(orelse, branches[1], inner)
                for name in {*branches[0], *branches[1]}:
                    known[name] = all(b[name] if name in b else self._variable(name, known) for b in branches)
            case ir.ForNetcons(_, body, _):
                self._run(body, known, False)
            case ir.While(condition, body, _):
                for _ in range(2):  # what the first round leaves may make the second differ
                    self._run(body, known, self._expr(condition, known) and path)
            case ir.CallRoutine(name, args, _, result):
                uniform = self._call(name, args, known, path)
                if result:
                    self._assign(result, uniform and path, known)
            case ir.SolveImplicit(_, states, rates, _):
                self._run(self.mechanism.routines[rates].body, known, path)
                for state in states:
                    self._assign(state, False, known)
            case ir.Derivative(state, _, _):
                self._assign(state, False, known)

    def _assign(self, name: str, uniform: bool, known: dict[str, bool]) -> None:
        known[name] = uniform
        symbol = self.mechanism.symbols.get(name)
        if symbol is not None and symbol.role is ir.Role.GLOBAL and not uniform:
            self.varying.add(name)
