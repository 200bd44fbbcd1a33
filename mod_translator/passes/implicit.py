"""METHOD derivimplicit: the equations become a routine of rates, solved for all states together."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import all_names, fresh, statements


def derivimplicit(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Replace every DERIVATIVE block that is solved by derivimplicit by a SolveImplicit statement.

    The arguments of the rates routine are the states under their own names: what it calls sees them too.
    """
    used = all_names(mechanism)
    routines: dict[str, ir.Routine] = {}
    for name, routine in mechanism.routines.items():
        if routine.method == "derivimplicit":
            rates = _rates(routine, fresh(f"{name}_rates", used), used, context)
            routines[rates.name] = rates
            solve = ir.SolveImplicit("derivimplicit", rates.args, rates.name, routine.loc or ir.Loc(1))
            routines[name] = replace(routine, body=(solve,), method="")
        else:
            routines[name] = routine
    return replace(mechanism, routines=routines)


def _rates(routine: ir.Routine, name: str, used: set[str], context: PassContext) -> ir.Routine:
    equations = [s for s in routine.body if isinstance(s, ir.Derivative)]
    for statement in statements(routine.body):
        if isinstance(statement, ir.Derivative) and statement not in equations:
            context.refuse_at(
                UnsupportedConstruct,
                "U170",
                f"{statement.state}' inside if/else in a block that is solved implicitly",
                "compute the rate in the if/else and write the equation after it",
                statement.loc,
            )
    results = {e.state: fresh(f"D{e.state}", used) for e in equations}
    body = tuple(
        ir.Assign(ir.Var(results[s.state]), s.rate, s.loc) if isinstance(s, ir.Derivative) and s in equations else s
        for s in routine.body
    )
    return ir.Routine(name, "RATES", body, tuple(results), tuple(results.values()), loc=routine.loc)
