"""Which variables the rates of an implicit solve find as their previous evaluation left them."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.emit.interface import Interface
from mod_translator.emit.liveness import Liveness
from mod_translator.errors import Place, UnsupportedConstruct
from mod_translator.passes.effects import Analysis


class History:
    """What one routine of rates carries from evaluation to evaluation.

    carried: the variables that it may use, or leave as they are, before it assigns them.
    """

    def __init__(self, interface: Interface, rates: ir.Routine) -> None:
        self.rates = rates
        self.analysis = Analysis(interface.mechanism)
        self.liveness = Liveness(interface, lambda name: f"@{name}" if name in rates.args else name, strict=True)
        wanted = (*rates.results, *rates.writes)
        self.carried = tuple(n for n in interface.needed(rates, wanted) if n in rates.writes)
        self.matters = bool(set(self.carried) & self.analysis.exposed(rates))
        self._used: dict[str, set[str]] = {}

    def settles(self) -> bool:
        """Return whether one evaluation leaves what further ones at the same states leave."""
        return not any(self._uses(name) & set(self.carried) for name in self.carried)

    def follows_states(self) -> bool:
        """Return whether what is carried depends on the states of more than the last evaluation."""
        moving = {name for name in self.carried if self._uses(name) & set(self.rates.args)}
        for name in self.carried:
            before = self._uses(name) & set(self.carried)
            if before and {name, *before} & moving:
                return True
        return False

    def _uses(self, name: str) -> set[str]:
        """Return what an evaluation uses for one variable, the states included."""
        if name not in self._used:
            body, _ = self._slice(self.rates.body, {name})
            self._used[name] = self.analysis.exposed(replace(self.rates, args=(), results=(), body=body))
        return self._used[name]

    def _slice(self, body: tuple[ir.Stmt, ...], live: set[str]) -> tuple[tuple[ir.Stmt, ...], set[str]]:
        kept: list[ir.Stmt] = []
        for statement in reversed(body):
            before = self.liveness.before_one(statement, live)
            if isinstance(statement, ir.If):
                then, orelse = self._slice(statement.then, live)[0], self._slice(statement.orelse, live)[0]
                if then or orelse:
                    kept.insert(0, replace(statement, then=then, orelse=orelse))
            elif self.liveness.assigns(statement) & live:
                kept.insert(0, statement)
            live = before
        return tuple(kept), live


def history_of(interface: Interface, rates: ir.Routine, stmt: ir.SolveImplicit) -> History | None:
    """Return what the rates find as their previous evaluation left it, if the order of evaluations matters.

    Raises UnsupportedConstruct where that order cannot be followed.
    """
    history = History(interface, rates)
    if not history.matters:
        return None
    if stmt.doubled or stmt.method not in ("derivimplicit", "newton") or history.follows_states():
        carried = history.carried
        raise UnsupportedConstruct(
            f"the equations use {', '.join(carried)} before they assign it: the result depends on how often METHOD "
            f"{stmt.method} evaluates them",
            remedy=f"assign {carried[0]} above the equations that use it",
            code="U196",
            place=Place(interface.mechanism.file, stmt.loc.line, stmt.loc.column),
        )
    return history
