"""A block as it is at another time: METHOD runge moves NEURON's t itself, so that what the block calls sees it."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import fresh, mapped, rebuild, rename


class Staged:
    """Statements that take the time from a variable; `copies` fills with the routines that do so for them."""

    def __init__(self, mechanism: ir.Mechanism, used: set[str]) -> None:
        self.mechanism = mechanism
        self.analysis = Analysis(mechanism)
        self.used = used
        self.copies: dict[str, ir.Routine] = {}
        self._copy_of: dict[str, str] = {}

    def body(self, body: tuple[ir.Stmt, ...], time: ir.Var) -> tuple[ir.Stmt, ...]:
        """Return the statements with `time` in place of t."""

        def expr(part: ir.Expr) -> ir.Expr:
            match part:
                case ir.Var("t"):
                    return time
                case ir.Call(name, args) if self._uses_time(name):
                    return ir.Call(self._copy(name), (*args, time))
            return part

        def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
            statement = mapped(statement, expr)
            if isinstance(statement, ir.CallRoutine) and self._uses_time(statement.name):
                return (replace(statement, name=self._copy(statement.name), args=(*statement.args, time)),)
            return (statement,)

        return rebuild(body, change)

    def _uses_time(self, name: str) -> bool:
        routine = self.mechanism.routines.get(name)
        # a TABLE that depends on t is refused anyway (U172)
        return routine is not None and routine.table is None and "t" in self.analysis.exposed(routine)

    def _copy(self, name: str) -> str:
        if name not in self._copy_of:
            routine = self.mechanism.routines[name]
            time = ir.Var(fresh("t_stage", self.used))
            own = self._copy_of[name] = fresh(f"{name}_staged", self.used)
            copy = rename(routine, {name: own})  # a FUNCTION's value has its name
            results = tuple(own if r == name else r for r in routine.results)
            body = self.body(copy.body, time)
            self.copies[own] = replace(copy, name=own, args=(*routine.args, time.name), results=results, body=body)
        return self._copy_of[name]
