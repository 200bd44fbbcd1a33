"""METHOD derivimplicit: the equations become a routine of rates, solved for all states together."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.derivatives import Derivatives
from mod_translator.passes.walk import all_names, fresh


def derivimplicit(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Replace every DERIVATIVE block that is solved by derivimplicit by a SolveImplicit statement.

    The arguments of the rates routine are the states under their own names: what it calls sees them too.
    """
    used = all_names(mechanism)
    symbols = dict(mechanism.symbols)
    routines: dict[str, ir.Routine] = {}
    for name, routine in mechanism.routines.items():
        if routine.method == "derivimplicit":
            rates = _rates(routine, fresh(f"{name}_rates", used), symbols, used)
            routines[rates.name] = rates
            solve = ir.SolveImplicit("derivimplicit", rates.args, rates.name, routine.loc or ir.Loc(1))
            routines[name] = replace(routine, body=(solve,), method="")
        else:
            routines[name] = routine
    return replace(mechanism, symbols=symbols, routines=routines)


def _rates(routine: ir.Routine, name: str, symbols: dict[str, ir.Symbol], used: set[str]) -> ir.Routine:
    derivatives = Derivatives(routine, symbols, used)
    body = list(derivatives.evaluated())
    results = dict(derivatives.names)
    for state in derivatives.kept:
        results[state] = fresh(f"{results[state]}_now", used)
        loc = derivatives.equations[state].loc
        body.append(ir.Assign(ir.Var(results[state]), ir.Var(derivatives.names[state]), loc))
    return ir.Routine(name, "RATES", tuple(body), tuple(results), tuple(results.values()), loc=routine.loc)
