"""Names in expressions get their meaning: locals, file-level variables, calls; array indices become numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mod_translator.ir import Binary, Call, Element, Expr, Num, Role, Symbol, Unary, Var
from mod_translator.semantic.context import Context, first_name
from mod_translator.semantic.earlier import earlier_value
from mod_translator.semantic.local_arrays import element_function
from mod_translator.semantic.names import (
    EVENT_CALLS,
    FROM_FILES,
    FUNC_TABLE,
    INTRINSICS,
    OF_PROCESS,
    OTHER_BUILTINS,
    PROCESS_DRAWS,
    RANDOM_CALLS,
    USE_TABLE,
)
from mod_translator.semantic.pointing import POINTING, pointing
from mod_translator.semantic.scope import Scope
from mod_translator.semantic.scopmath import functions, without_mode
from mod_translator.semantic.symbols import Symbols
from mod_translator.syntax.expressions import STRING
from mod_translator.syntax.tree import EARLIER, TableStatement

_ZERO = Num(0.0, "0")  # stands in for what was refused


class Resolver:
    """Resolves the expressions of one file.

    reach: called with the (plain, marked) name of every FUNCTION that a resolved expression calls.
    """

    def __init__(self, context: Context, symbols: Symbols, reach: Callable[[str, str], None]) -> None:
        self.context = context
        self.symbols = symbols
        self.reach = reach

    def expr(self, expr: Expr, scope: Scope) -> Expr:
        """Return the expression with its final names; what is wrong goes to the report."""
        match expr:
            case Num():
                return expr
            case Unary("'", Var(name)):
                return self._rate(name)
            case Unary(op, operand):
                return Unary(op, self.expr(operand, scope))
            case Binary(op, left, right):
                return Binary(op, self.expr(left, scope), self.expr(right, scope))
            case Call(name, (of, number)) if name == EARLIER:
                return earlier_value(self, of, number, scope)
            case Call(name, args):
                return self.call(name, args, scope)
            case Var(name):
                return self.variable(name, None, scope, reading=True)
            case Element(name, index):
                return self.variable(name, index, scope, reading=True)

    def target(self, target: Var | Element, scope: Scope) -> Var | Element | None:
        """Return the left side of an assignment, or None if it cannot be assigned."""
        index = target.index if isinstance(target, Element) else None
        name = self.context.name(target.name)
        found = self.variable(target.name, index, scope, reading=False)
        if isinstance(found, Num):
            if isinstance(scope.find(name), Num):
                self.context.unsupported(
                    "U130",
                    f"{name} counts a FROM loop and is assigned, for which nocmodl prints C++ that does not compile",
                    "use a LOCAL",
                    target.name,
                )
            return None
        assert isinstance(found, Var | Element)
        symbol = self.symbols.table.get(found.name)
        if symbol is None or found.name in scope.locals or found.name == scope.function:
            return found
        if symbol.role is Role.EXTERNAL and name != "v":  # v is a copy (see passes/copies.py)
            reason = f"{name} belongs to NEURON and must not be assigned (NEURON's nocmodl refuses it as well)"
            self.context.wrong("S129", reason, "assign a variable of the mechanism instead", target.name)
            return None
        if symbol.role is Role.CONSTANT:
            reason = f"the constant {name} is assigned"
            self.context.wrong("S130", reason, "declare it in PARAMETER or ASSIGNED", target.name)
            return None
        return found

    # ------------------------------------------------------------------------------------------------- variables

    def variable(self, marked: str, index: Expr | None, scope: Scope, *, reading: bool) -> Expr:
        """Return what a variable (or an element of an array) stands for."""
        name = self.context.name(marked)
        local = scope.find(name)
        if isinstance(local, tuple):
            at = self.moving(index, scope)
            if at is not None and reading:
                function = element_function(len(local), self.symbols, self.context)
                self.reach(function, marked)
                return Call(function, (at, *map(Var, local)))
            position = self._position(marked, index, len(local), scope)
            return _ZERO if position is None else Var(local[position])
        if local is not None:
            return self._scalar(marked, index, local)
        if name == scope.function:
            return self._scalar(marked, index, Var(name))
        name = self.symbols.renamed.get(name, name)
        symbol = self.symbols.table.get(name) if name != "flag" else None
        if name.startswith(STRING):
            self.context.unsupported("U133", "a string argument", "strings are only understood in printf")
            return _ZERO
        if symbol is None and name == USE_TABLE and reading and self._has_table():
            self.symbols.table[name] = Symbol(name, Role.GLOBAL, "PARAMETER", default=1.0, visible=True)
            return self._scalar(marked, index, Var(name))
        if symbol is None:
            of_c = scope.find(f"C double {name}") or scope.find(f"C int {name}")
            if isinstance(of_c, Var) and (reading or scope.find(f"C double {name}")):
                return self._scalar(marked, index, of_c)
            self._unknown(name, marked, reading)
            return _ZERO
        refused = name in self.symbols.pointers and symbol.role is not Role.POINTER
        held = symbol.role is Role.POINTER and (reading or self.symbols.artificial)
        foreign = name in self.symbols.externals and not held
        if refused or foreign or symbol.block == "RANDOM":
            self._foreign(name, marked)
            return _ZERO
        if not symbol.length:
            return self._scalar(marked, index, Var(name))
        at = self.moving(index, scope)
        if at is not None:
            return Element(name, at)
        position = self._position(marked, index, symbol.length, scope)
        return _ZERO if position is None else Element(name, Num(float(position), str(position)))

    def _has_table(self) -> bool:
        """Return whether the file has a TABLE, for which nocmodl declares the GLOBAL usetable."""
        blocks = self.symbols.blocks.values()
        return any(isinstance(s, TableStatement) for block in blocks for s in block.body)

    def _rate(self, marked: str) -> Expr:
        """Return the variable that NEURON keeps the derivative of a state in; only some METHODs ever assign it."""
        state = self.context.name(marked)
        symbol = self.symbols.table.get(state)
        if symbol is None or symbol.block != "STATE" or symbol.length:
            self.context.wrong("S152", f"{state}' but {state} is not a STATE", f"declare {state} in STATE", marked)
            return _ZERO
        name = f"D{state}"
        self.symbols.table.setdefault(name, Symbol(name, Role.INSTANCE, "ASSIGNED", loc=self.context.loc(marked)))
        return Var(name)

    def _scalar(self, marked: str, index: Expr | None, value: Expr) -> Expr:
        if index is not None:
            name = self.context.name(marked)
            self.context.wrong("S131", f"{name} is not an array", "remove the index, or declare a length", marked)
        return value

    def _unknown(self, name: str, marked: str, reading: bool) -> None:
        if name in self.symbols.blocks:
            self.context.wrong(
                "S132", f"{name} is a {self.symbols.blocks[name].kind}, not a variable", "call it", marked
            )
            return
        what = "is not declared" if reading else "is assigned but not declared"
        self.context.wrong("S133", f"{name} {what}", "declare it in PARAMETER, ASSIGNED, STATE or LOCAL", marked)

    def _foreign(self, name: str, marked: str) -> None:
        if name in self.symbols.pointers:
            self.context.unsupported(
                "U134",
                f"the POINTER {name}, which is an array or a BBCOREPOINTER",
                "replace it by an ion, a RANGE variable or a NetCon event",
                marked,
            )
        elif name in self.symbols.externals:
            reason = f"the EXTERNAL variable {name}, which is assigned or an array"
            self.context.unsupported("U135", reason, "make it a PARAMETER of this mechanism", marked)
        else:
            reason = f"the RANDOM variable {name} outside the first argument of a random_ function"
            self.context.wrong("S134", reason, "pass it to random_uniform, random_negexp, ...", marked)

    def _position(self, marked: str, index: Expr | None, length: int, scope: Scope) -> int | None:
        name = self.context.name(marked)
        if index is None:
            reason = f"the array {name} without an index"
            self.context.wrong("S135", reason, f"write {name}[0] to {name}[{length - 1}]", marked)
            return None
        position = self.integer(index, scope)
        if position is None or not 0 <= position < length:
            reason = f"{name}[{position}] does not exist: its length is {length}"
            self.context.wrong("S136", reason, "correct the index", marked)
            return None
        return position

    def integer(self, expr: Expr, scope: Scope) -> int | None:
        """Return the value of an integer expression of constants and FROM variables, or None (C arithmetic)."""
        match expr:
            case Num(value, _):
                return int(value)
            case Unary("-", operand):
                inner = self.integer(operand, scope)
                return None if inner is None else -inner
            case Var(marked):
                found = scope.find(self.context.name(marked))
                return int(found.value) if isinstance(found, Num) else None
            case Binary(op, left, right):
                a, b = self.integer(left, scope), self.integer(right, scope)
                if a is None or b is None or (op == "/" and b == 0):
                    return None
                return {"+": a + b, "-": a - b, "*": a * b, "/": int(a / b) if b else 0}.get(op)
            case _:
                return None

    def moving(self, index: Expr | None, scope: Scope) -> Expr | None:
        """Return an index that is only known at run time; None for any other."""
        return None if index is None or self.integer(index, scope) is not None else self.whole(index, scope)

    def whole(self, expr: Expr, scope: Scope) -> Expr | None:
        """Return an integer expression of variables as nocmodl computes it: each cut to an int, then in C's integers.

        None if it holds something else, such as a call.
        """
        known = self.integer(expr, scope)
        match expr:
            case _ if known is not None:
                return Num(float(known), str(known))
            case Unary("-", operand):
                inner = self.whole(operand, scope)
                return None if inner is None else Unary("-", inner)
            case Var() | Element():
                resolved = self.expr(expr, scope)
                return resolved if isinstance(resolved, Var) and resolved.name in scope.whole else truncated(resolved)
            case Binary("+" | "-" | "*" | "/" as op, left, right):
                a, b = self.whole(left, scope), self.whole(right, scope)
                if a is None or b is None:
                    return None
                return truncated(Binary(op, a, b)) if op == "/" else Binary(op, a, b)
            case _:
                return None

    # ----------------------------------------------------------------------------------------------------- calls

    def call(self, marked: str, args: tuple[Expr, ...], scope: Scope) -> Expr:
        """Return the call of a function in an expression."""
        name = self.context.name(marked)
        block = self.symbols.blocks.get(name)
        if block is not None:
            return self._user_call(marked, name, block.kind, args, scope)
        of_neuron, numbers = without_mode(name, args)
        if of_neuron in functions():
            self.symbols.blocks[of_neuron] = replace(functions()[of_neuron], token=self.context.source.token(marked))
            return self._user_call(marked, of_neuron, "FUNCTION", numbers, scope)
        if name in RANDOM_CALLS:
            return self.random_call(marked, args, scope)
        if name == "at_time":
            self._count(marked, (1,), len(args))
            return at_time(self.expr(args[0], scope)) if args else _ZERO
        if name == "abs":  # nocmodl does not know it; in C++ it is that of a double
            name = "fabs"
        if name in INTRINSICS:
            self._count(marked, (INTRINSICS[name],), len(args))
            return Call(name, tuple(self.expr(a, scope) for a in args))
        if name in PROCESS_DRAWS:
            self._count(marked, (PROCESS_DRAWS[name],), len(args))
            return Call(OF_PROCESS + name, tuple(self.expr(a, scope) for a in args))
        if name == POINTING:
            return pointing(marked, args, self.symbols, self.context)
        if name in OTHER_BUILTINS or name in EVENT_CALLS:
            remedy = "play a Vector into a variable" if name in FROM_FILES else "write it out in NMODL"
            self.context.unsupported("U137", f"the built-in function {name}", remedy, marked)
        else:
            remedy = "define a FUNCTION of that name, or correct the name"
            if name in ("min", "max"):
                remedy = "write it with if/else"
            self.context.wrong("S137", f"there is no function {name}", remedy, marked)
        return _ZERO

    def _user_call(self, marked: str, name: str, kind: str, args: tuple[Expr, ...], scope: Scope) -> Expr:
        if kind == "FUNCTION_TABLE":
            return self._function_table(marked, args, scope)
        if kind == "PROCEDURE":
            self.context.note(f"the PROCEDURE {name} stands in an expression: its value is 0 there", marked)
        elif kind != "FUNCTION":
            reason = f"the {kind} {name} in an expression (it has no value)"
            self.context.wrong("S138", reason, "make it a FUNCTION, or call it as a statement", marked)
            return _ZERO
        self._count(marked, (len(self.symbols.blocks[name].args),), len(args))
        self.reach(name, marked)
        return Call(name, tuple(self.expr(a, scope) for a in args))

    def _function_table(self, marked: str, args: tuple[Expr, ...], scope: Scope) -> Expr:
        """Return the look-up in a FUNCTION_TABLE, whose content is a variable `table_<name>` that HOC sets."""
        name = self.context.name(marked)
        self._count(marked, (len(self.symbols.blocks[name].args),), len(args))
        content = f"table_{name}"
        self.symbols.table.setdefault(content, Symbol(content, Role.TABLE, "FUNCTION_TABLE"))
        return Call(FUNC_TABLE, (Var(content), *(self.expr(a, scope) for a in args)))

    def random_call(self, marked: str, args: tuple[Expr, ...], scope: Scope) -> Expr:
        """Return the call of a random_ function; its first argument names a RANDOM variable."""
        name = self.context.name(marked)
        first = args[0] if args else None
        if not isinstance(first, Var) or self.context.name(first.name) not in self.symbols.randoms:
            reason = f"{name} needs a RANDOM variable as its first argument"
            self.context.wrong("S139", reason, "declare one in the NEURON block: RANDOM r", marked)
            return _ZERO
        self._count(marked, RANDOM_CALLS[name], len(args))
        if name == "random_setids":  # NEURON goes on with what is left of the old stream until the next setseq
            self.events_allowed(marked)
        rest = tuple(self.expr(a, scope) for a in args[1:])
        return Call(name, (Var(self.context.name(first.name)), *rest))

    def events_allowed(self, marked: str) -> None:
        """Refuse another stream of random numbers in a mechanism that is part of the equations."""
        if not self.symbols.artificial:
            reason = f"{self.context.name(marked)} outside of an ARTIFICIAL_CELL"
            remedy = "set the identifiers from Python: instance.r.set_ids(id1, id2, id3)"
            self.context.unsupported("U176", reason, remedy, marked)

    def _count(self, marked: str, allowed: tuple[int, ...], given: int) -> None:
        if given not in allowed:
            name = self.context.name(marked)
            wanted = " or ".join(str(n) for n in allowed)
            reason = f"{name} takes {wanted} argument{'s' * (wanted != '1')}, here it has {given}"
            self.context.wrong("S140", reason, "correct the call", marked)

    def check_call(
        self, marked: str, allowed: tuple[int, ...], args: tuple[Expr, ...], scope: Scope
    ) -> tuple[Expr, ...]:
        """Return the resolved arguments of a call that stands as a statement."""
        self._count(marked, allowed, len(args))
        return tuple(self.expr(a, scope) for a in args)


def at_time(when: Expr) -> Expr:
    """Return what at_time(when) is in a fixed step (NEURON's cvodestb.cpp)."""
    moment = Binary("-", when, Num(1e-11, "1e-11"))
    step_start = Binary("-", Var("t"), Var("dt"))
    return Binary("&&", Binary("<=", moment, Var("t")), Binary(">", moment, step_start))


def truncated(expr: Expr) -> Expr:
    """Return an expression cut to a whole number, as C cuts a double to an int."""
    return Binary("-", expr, Call("fmod", (expr, Num(1.0, "1"))))


def where(expr: Expr) -> str:
    """Return a marked name that shows where an expression stands."""
    return first_name(expr)
