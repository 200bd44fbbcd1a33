"""Where the derivative of each state is kept while a DERIVATIVE block is evaluated.

NEURON has a variable `D<state>` of the instance for each. That it keeps its value matters only where an equation stands
under a condition, or where another expression reads it (`x'`); elsewhere a local does.
"""

from __future__ import annotations

from mod_translator import ir
from mod_translator.passes.walk import fresh, rebuild, statements


class Derivatives:
    """The equations of one DERIVATIVE block. Symbols that they need are added to `symbols`.

    equations: by state, one of each. advanced: all of them, in their order.
    """

    def __init__(self, routine: ir.Routine, symbols: dict[str, ir.Symbol], used: set[str]) -> None:
        self.routine = routine
        found = [s for s in statements(routine.body) if isinstance(s, ir.Derivative)]
        self.equations = {s.state: s for s in found}
        # NEURON lists a state once for each equation in the text, and so advances one of if and else twice.
        self.advanced = tuple({(s.state, s.loc): s for s in found}.values())
        self.kept: list[str] = []
        self.names: dict[str, str] = {}
        sure = _surely(routine.body)
        for state in self.equations:
            name = f"D{state}"
            if name not in symbols or symbols[name].role is not ir.Role.INSTANCE:
                name = fresh(name, used)
                if state in sure:
                    self.names[state] = name
                    continue
                symbols[name] = ir.Symbol(name, ir.Role.INSTANCE, "ASSIGNED", loc=self.equations[state].loc)
            self.names[state] = name
            self.kept.append(state)

    def evaluated(self) -> tuple[ir.Stmt, ...]:
        """Return the block with every equation as an assignment to the variable of its derivative."""

        def evaluate(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
            if isinstance(statement, ir.Derivative):
                return (ir.Assign(ir.Var(self.names[statement.state]), statement.rate, statement.loc),)
            return (statement,)

        return rebuild(self.routine.body, evaluate)


def _surely(body: tuple[ir.Stmt, ...]) -> set[str]:
    """Return the states that have an equation on every path."""
    found: set[str] = set()
    for statement in body:
        if isinstance(statement, ir.Derivative):
            found.add(statement.state)
        elif isinstance(statement, ir.If):
            found |= _surely(statement.then) & _surely(statement.orelse)
    return found
