"""Blocks of statements to IR routines: scopes flattened, FROM loops unrolled, callees lowered when first reached."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.semantic import events
from mod_translator.semantic.block import Block
from mod_translator.semantic.conductance import conductance
from mod_translator.semantic.context import Context, first_name
from mod_translator.semantic.earlier import moved_on
from mod_translator.semantic.expressions import Resolver
from mod_translator.semantic.kinetic import Kinetic
from mod_translator.semantic.lag import lag
from mod_translator.semantic.local_arrays import assign_element
from mod_translator.semantic.loops import counted_loop, while_loop
from mod_translator.semantic.names import (
    DROPPED_CALLS,
    EVENT_CALLS,
    INTRINSICS,
    OF_PROCESS,
    OTHER_BUILTINS,
    RANDOM_CALLS,
)
from mod_translator.semantic.operators import operator_nocmodl_aborts_on
from mod_translator.semantic.pointing import decided
from mod_translator.semantic.scope import Scope
from mod_translator.semantic.simultaneous import Simultaneous
from mod_translator.semantic.solves import EXPLICIT, Solves
from mod_translator.semantic.symbols import Symbols
from mod_translator.syntax import tree
from mod_translator.syntax.expressions import STRING
from mod_translator.validate import MAX_INTERVALS
from mod_translator.verbatim import definitions, joined, verbatim


class Lowering:
    """Lowers the blocks of one file. `routines` fills with every FUNCTION and PROCEDURE that is reached."""

    def __init__(self, context: Context, symbols: Symbols) -> None:
        self.context = context
        self.symbols = symbols
        self.routines: dict[str, ir.Routine] = {}
        self.methods: dict[str, str] = {}  # of the blocks of equations that are SOLVEd
        self.resolve = Resolver(context, symbols, self.reach)
        self.solves = Solves(self)
        self.diffusions: list[ir.Diffusion] = []
        self.diffuse: list[ir.Stmt] = []  # the statements that compute what `diffusions` names
        self._active: list[str] = []
        self.c_functions = definitions(context.source)
        self.c_active: list[str] = []  # C functions being lowered
        self.long_loops: set[int] = set()  # FROM loops (id) that were found to be too long to be unrolled
        self._taken = {*symbols.table, *symbols.blocks, *INTRINSICS, *RANDOM_CALLS, *EVENT_CALLS, *OTHER_BUILTINS}
        self._taken |= set(self.c_functions)

    def scope(self, function: str = "") -> Scope:
        """Return a new scope for one routine."""
        return Scope(self._taken, function)

    # --------------------------------------------------------------------------------------------------- routines

    def reach(self, name: str, marked: str) -> None:
        """Lower the FUNCTION, PROCEDURE or solved block `name` unless that was done."""
        if name in self._active:
            chain = " -> ".join([*self._active[self._active.index(name) :], name])
            self.context.unsupported(
                "U140", f"{name} calls itself ({chain})", "write it as a loop or a formula", marked
            )
            return
        if name in self.routines:
            return
        block = self.symbols.blocks[name]
        self._active.append(name)
        outer = self.context.block_token
        make = self._simultaneous if block.kind in ("KINETIC", "LINEAR", "NONLINEAR") else self.routine
        self.routines[name] = make(block, name)
        self.context.block_token = outer
        self._active.pop()
        self.routines[name] = self.routines.pop(name)  # callees come before their callers

    def routine(self, block: tree.Block, name: str) -> ir.Routine:
        """Return the routine of a named block with arguments."""
        self.context.block_token = block.token
        work = Block(block.kind, self.scope(name if block.kind == "FUNCTION" else ""), block.token)
        args = tuple(work.scope.declare(self.context.name(a)) for a, _ in block.args)
        if len({self.context.name(a) for a, _ in block.args}) < len(args):
            self.context.wrong("S141", f"two arguments of {name} have the same name", "rename one", block.name)
        table = self._table(work, block, name)
        body = self.body(block.body, work)
        if block.kind == "DISCRETE":
            body = (*moved_on(self, block), *body)
        return ir.Routine(
            name,
            block.kind,
            body,
            args,
            results=(name,) if block.kind == "FUNCTION" else (),
            table=table,
            arg_units=tuple(unit for _, unit in block.args),
            unit=block.unit,
            loc=self.context.source.loc(block.token),
        )

    def _simultaneous(self, block: tree.Block, name: str) -> ir.Routine:
        """Return the routine that solves a KINETIC, LINEAR or NONLINEAR block."""
        self.context.block_token = block.token
        work = Block(block.kind, self.scope(), block.token)
        work.equations = Kinetic(self, block, work) if block.kind == "KINETIC" else Simultaneous(self, block, work)
        body = self.body(block.body, work)
        if isinstance(work.equations, Kinetic) and self.methods[name] in EXPLICIT:
            return work.equations.derivatives(name, body)
        rates, solve = work.equations.finish(name, body)
        self.routines[rates.name] = rates
        return ir.Routine(name, block.kind, (solve,), loc=solve.loc)

    def _table(self, work: Block, block: tree.Block, name: str) -> ir.Table | None:
        statements = [s for s in block.body if isinstance(s, tree.TableStatement)]
        if not statements:
            return None
        table = statements[0]
        outside = self.scope()
        variables = []
        for marked in table.variables:
            variable = self.context.name(marked)
            variable = self.symbols.renamed.get(variable, variable)
            if variable not in self.symbols.table:
                self.context.wrong("S142", f"{variable} is not declared", "declare it in ASSIGNED", marked)
            elif variable in variables:
                self.context.wrong("S183", f"{variable} stands twice in a TABLE", "remove one of the two", marked)
            else:
                variables.append(variable)
        at = first_name(table.low) or block.name
        if len(statements) > 1:
            self.context.wrong("S143", f"two TABLEs in {name}", "keep one", block.name)
        if len(block.args) != 1:
            self.context.wrong("S144", f"{name} has a TABLE and not exactly one argument", "give it one", block.name)
        if block.kind == "FUNCTION" and variables:
            self.context.wrong("S145", "TABLE in a FUNCTION with a list of variables", "remove the list", block.name)
        if block.kind == "PROCEDURE" and not table.variables:
            self.context.wrong("S146", "TABLE in a PROCEDURE without a list of variables", "add one", block.name)
        if not 0 < table.intervals <= MAX_INTERVALS:
            self.context.wrong("S178", f"a TABLE WITH {table.intervals}", "write how many intervals it has", block.name)
        depend = []
        for marked in table.depend:
            found = self.resolve.variable(marked, None, outside, reading=True)
            if isinstance(found, ir.Var):
                depend.append(found.name)
        return ir.Table(
            (name,) if block.kind == "FUNCTION" else tuple(variables),
            tuple(depend),
            self.resolve.expr(table.low, outside),
            self.resolve.expr(table.high, outside),
            table.intervals,
            self.context.loc(at),
        )

    # ------------------------------------------------------------------------------------------------- statements

    def body(self, statements: tree.Body, work: Block) -> tuple[ir.Stmt, ...]:
        """Return the statements of a block; its LOCALs are gone from the scope afterwards."""
        work.scope.push()
        out = self._sequence(joined(statements, self.context.source.verbatim), work)
        work.scope.pop()
        if work.running and len(work.scope.frames) == 1:
            loc = self.context.source.loc(work.token)
            return (ir.Assign(ir.Var(work.running), ir.Num(1.0, "1"), loc), *out)
        return out

    def _sequence(self, statements: tree.Body, work: Block) -> tuple[ir.Stmt, ...]:
        out: list[ir.Stmt] = []
        for i, statement in enumerate(statements):
            done = self._statement(statement, work, last=i == len(statements) - 1)
            out += done
            if work.running and work.running in ir.assigned(done):
                at = done[-1]
                if not (isinstance(at, ir.Assign) and at.target.name == work.running):
                    rest = self._sequence(statements[i + 1 :], work)
                    goes_on = ir.Binary("!=", ir.Var(work.running), ir.Num(0.0, "0"))
                    out += (ir.If(goes_on, rest, (), at.loc),) if rest else ()
                break
        return tuple(out)

    def _statement(self, statement: tree.Statement, work: Block, *, last: bool) -> tuple[ir.Stmt, ...]:  # noqa: PLR0912
        match statement:
            case tree.Assign(target, value):
                return self._assign(target, value, work)
            case tree.Conditional(arms, _):
                return self._conditional(arms, work)
            case tree.CallStatement(call):
                return self._call(call, work)
            case tree.Local(names):
                for marked, length in names:
                    work.scope.declare(self.context.name(marked), length)
            case tree.Nested(body):
                return self.body(body, work)
            case tree.Loop():
                return counted_loop(self, statement, work)
            case tree.While(condition, body, _):
                return while_loop(self, condition, body, work)
            case tree.Equation(target, order, rate):
                return self._equation(target, order, rate, work)
            case tree.Solve():
                if work.kind != "BREAKPOINT":  # there NEURON takes it out, into the state update
                    return self.solves.statement(statement)
                work.solves.append(statement)
            case tree.Reaction() if isinstance(work.equations, Kinetic):
                return work.equations.reaction(statement)
            case tree.Conserve() if isinstance(work.equations, Kinetic):
                return work.equations.conserve(statement)
            case tree.Compartment() if isinstance(work.equations, Kinetic):
                work.equations.compartment(statement)
            case tree.AlgebraicEquation() if isinstance(work.equations, Simultaneous):
                return work.equations.equation(statement)
            case tree.Conductance(marked, ion):
                work.conductances += conductance(self, marked, ion, work)
            case tree.TableStatement():
                if work.kind not in ("FUNCTION", "PROCEDURE"):
                    at = first_name(statement.low)
                    self.context.wrong("S147", f"TABLE in a {work.kind}", "only FUNCTION and PROCEDURE have tables", at)
            case tree.NetInitial(body):
                work.net_initial.append(body)
            case tree.Watch(conditions) if work.kind == "NET_RECEIVE" and not work.starts:
                return tuple(s for condition, flag in conditions for s in events.watch(self, condition, flag, work))
            case tree.ForNetcons(args, body) if work.kind == "NET_RECEIVE":
                return events.for_netcons(self, args, body, work)
            case tree.Lag():
                return lag(self, statement, work)
            case tree.VerbatimText(index):
                return verbatim(self, tree.Mixed((index,), ()), work, last)
            case tree.Mixed():
                return verbatim(self, statement, work, last)
            case _:
                self._refuse(statement, work)
        return ()

    def _refuse(self, statement: tree.Statement, work: Block) -> None:
        refuse = self.context.unsupported
        match statement:
            case tree.Watch(conditions):
                at = first_name(conditions[0][0])
                where = "the INITIAL of NET_RECEIVE" if work.starts else f"a {work.kind}"
                self.context.wrong("S166", f"WATCH in {where}", "move it to NET_RECEIVE", at)
            case tree.ForNetcons(args, _):
                self.context.wrong("S167", f"FOR_NETCONS in a {work.kind}", "move it to NET_RECEIVE", args[0])
            case tree.Other(keyword):
                refuse("U153", f"a {keyword} statement", "write it with ordinary statements")
            case tree.AlgebraicEquation(left, _, _):
                self.context.wrong("S148", f"an equation (~) in a {work.kind}", "write =", first_name(left))
            case tree.Reaction(left, _, _, _, _):
                at = left[0][1].name if left else ""
                self.context.wrong("S149", f"a reaction (~) in a {work.kind}", "move it to a KINETIC block", at)
            case _:
                what = type(statement).__name__.upper()
                self.context.wrong("S150", f"{what} in a {work.kind}", "move it to a KINETIC block")

    def _assign(self, target: ir.Var | ir.Element, value: ir.Expr, work: Block) -> tuple[ir.Stmt, ...]:
        loc = self.context.loc(target.name)
        resolved = self.resolve.expr(value, work.scope)
        local = work.scope.find(self.context.name(target.name))
        at = self.resolve.moving(target.index, work.scope) if isinstance(target, ir.Element) else None
        if isinstance(local, tuple) and at is not None:
            return tuple(assign_element(local, at, resolved, work.scope, loc))
        place = self.resolve.target(target, work.scope)
        work.assigned |= {place.name} if place is not None else set()
        return () if place is None else (ir.Assign(place, resolved, loc),)

    def _equation(self, target: ir.Var | ir.Element, order: int, rate: ir.Expr, work: Block) -> tuple[ir.Stmt, ...]:
        name = self.context.name(target.name)
        symbol = self.symbols.table.get(name)
        if work.kind != "DERIVATIVE":
            self.context.wrong(
                "S151", f"{name}' in a {work.kind}", "move the equation to a DERIVATIVE block", target.name
            )
        elif symbol is None or symbol.block != "STATE":
            self.context.wrong("S152", f"{name}' but {name} is not a STATE", f"declare {name} in STATE", target.name)
        elif order > 1:
            self.context.unsupported(
                "U154",
                f"a derivative of order {order}: NEURON's nocmodl aborts on it",
                "introduce a STATE for the first derivative",
                target.name,
            )
        elif isinstance(target, ir.Element) or symbol.length:
            self.context.unsupported(
                "U155",
                f"the derivative of an array ({name}), which NEURON's nocmodl translates to C++ that does not compile",
                "give each element a STATE of its own",
                target.name,
            )
        else:
            operator = operator_nocmodl_aborts_on(rate)
            if operator:
                reason = f"the operator {operator} in the equation of {name}' (NEURON's nocmodl aborts on it)"
                remedy = "compute it in a LOCAL before the equation, or use pow(x, y)"
                self.context.wrong("S156", reason, remedy, target.name)
            resolved = self.resolve.expr(rate, work.scope)
            return (ir.Derivative(name, resolved, self.context.loc(target.name)),)
        return ()

    def _conditional(self, arms: tuple[tuple[ir.Expr | None, tree.Body], ...], work: Block) -> tuple[ir.Stmt, ...]:
        condition, body = arms[0]
        if condition is None:
            return self.body(body, work)
        test = self.resolve.expr(condition, work.scope)
        holds = decided(condition, test, self.context)
        if holds is not None:
            return self.body(body, work) if holds else self._conditional(arms[1:], work) if len(arms) > 1 else ()
        token = self.context.source.token(first_name(condition))
        index = work.token if token is None else self.context.source.before(token, "if", "IF")
        then = self.body(body, work)
        orelse = self._conditional(arms[1:], work) if len(arms) > 1 else ()
        return (ir.If(test, then, orelse, self.context.source.loc(index)),)

    def _call(self, call: ir.Call, work: Block) -> tuple[ir.Stmt, ...]:
        name, loc = self.context.name(call.name), self.context.loc(call.name)
        block = self.symbols.blocks.get(name)
        if block is not None:
            return self._call_of_block(block, name, call, work)
        if name in DROPPED_CALLS:
            for arg in call.args:
                if not (isinstance(arg, ir.Var) and arg.name.startswith(STRING)):
                    self.resolve.expr(arg, work.scope)
            if name != "at_time":
                self.context.note(f"{name}() is left out", call.name)
            return ()
        if name in EVENT_CALLS:
            return events.event(self, call, work)
        if name in RANDOM_CALLS:
            random = self.resolve.random_call(call.name, call.args, work.scope)
            return (ir.CallRoutine(name, random.args, loc),) if isinstance(random, ir.Call) else ()
        if name == "state_discontinuity" and work.kind in ("NET_RECEIVE", "BREAKPOINT") and len(call.args) == 2:
            target, value = call.args
            if isinstance(target, ir.Var | ir.Element):
                assigned = self._assign(target, value, work)
                return assigned if work.kind == "NET_RECEIVE" else events.where_allowed(self, assigned, call)
        value = self.resolve.call(call.name, call.args, work.scope)
        if isinstance(value, ir.Call) and value.name.startswith(OF_PROCESS):
            return (ir.CallRoutine(value.name, value.args, loc),)
        if isinstance(value, ir.Call):
            self.context.note(f"{name}() as a statement has no effect", call.name)
        return ()

    def _call_of_block(self, block: tree.Block, name: str, call: ir.Call, work: Block) -> tuple[ir.Stmt, ...]:
        args: tuple[ir.Expr, ...] = ()
        if block.kind in ("PROCEDURE", "FUNCTION"):
            args = self.resolve.check_call(call.name, (len(block.args),), call.args, work.scope)
        elif block.kind == "DERIVATIVE" and not call.args:
            return self.solves.call(name, call.name)
        else:
            reason = f"the {block.kind} {name} is called"
            self.context.wrong("S154", reason, f"SOLVE {name} in BREAKPOINT", call.name)
            return ()
        self.reach(name, call.name)
        return (ir.CallRoutine(name, args, self.context.loc(call.name)),)
