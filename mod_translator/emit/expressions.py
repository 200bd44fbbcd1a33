"""Expressions of the IR as Python text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mod_translator import ir
from mod_translator.emit.interface import Interface
from mod_translator.emit.names import WHEN, python_name
from mod_translator.emit.safety import (
    GUARDS,
    INTRINSIC_READS,
    infinite_factor,
    is_nonzero_number,
    never_zero,
    whole_exponent,
)
from mod_translator.semantic.names import FUNC_TABLE, INTRINSICS
from mod_translator.validate import InvalidIR

COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 7)
_LEVEL = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}
_COMPARISONS = frozenset(("<", "<=", ">", ">=", "==", "!="))
_LOGICAL = {"&&": "logical_and", "||": "logical_or"}


@dataclass(slots=True)
class Path:
    """The condition under which statements run; it becomes a line of the function only if something asks for it."""

    name: str
    value: str | None = None
    parent: Path | None = None
    used: bool = False

    def use(self) -> str:
        """Return the name of the condition, which is from now on computed."""
        self.used = True
        if self.parent is not None:
            self.parent.use()
        return self.name


@dataclass(slots=True)
class Frame:
    """Where a statement stands: names of the file -> their current Python names, and the condition."""

    env: dict[str, str]
    path: Path | None = None
    suffix: str = ""


@dataclass(slots=True)
class Expressions:
    """Prints the expressions of one function.

    arguments, local: names of the routine itself. where: how messages call it. used: the runtime functions it needs.
    powers: variables that hold powers which may be infinite.
    """

    interface: Interface
    arguments: frozenset[str]
    frame: Frame
    where: str
    local: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    powers: frozenset[str] = frozenset()

    def file_key(self, name: str) -> str:
        """Return the key of a file-level variable in `env`, which an argument of the same name does not hide."""
        return f"@{name}" if name in self.arguments else name

    @property
    def constants(self) -> Mapping[str, float]:
        """Values of the numbers of the file that no argument hides."""
        symbols = self.interface.mechanism.symbols.values()
        return {s.name: s.default for s in symbols if s.role is ir.Role.CONSTANT and s.name not in self.arguments}

    def runtime(self, name: str) -> str:
        """Note that the module imports a runtime function and return its name."""
        self.used.add(name)
        return name

    def name(self, name: str) -> str:
        """Return the current Python name of a variable."""
        found = self.frame.env.get(name)
        if found is not None:
            return found
        if self.interface.is_constant(name):
            return python_name(name)
        if name in self.interface.mechanism.symbols:
            raise InvalidIR(f"{self.where} uses {name}, which is neither among its reads nor assigned before")
        if name not in self.local:
            raise InvalidIR(f"{self.where} uses {name}, which nothing declares or assigns")
        return "0.0"  # C leaves a local undefined until it is assigned

    def number(self, expr: ir.Expr, level: int = 0) -> str:
        """Print an expression as a number, in parentheses where an operator of `level` around it needs them."""
        text, own = self._print(expr)
        return f"({text})" if own < level else text

    def condition(self, expr: ir.Expr, level: int = 0) -> str:
        """Print an expression as a condition."""
        match expr:
            case ir.Binary(op, left, right) if op in _COMPARISONS:
                text = f"{self.number(left, SUM)} {op} {self.number(right, SUM)}"
                return f"({text})" if level > COMPARE else text
            case ir.Binary(op, left, right) if op in _LOGICAL:
                return f"{self.runtime(_LOGICAL[op])}({self.condition(left)}, {self.condition(right)})"
            case ir.Unary("!", operand):
                return f"{self.runtime('logical_not')}({self.condition(operand)})"
        text = f"{self.number(expr, SUM)} != 0.0"
        return f"({text})" if level > COMPARE else text

    def unguarded_condition(self, expr: ir.Expr) -> str:
        """Print a condition; nothing in it is guarded, for no derivative flows through a condition."""
        path, self.frame.path = self.frame.path, None
        text = self.condition(expr)
        self.frame.path = path
        return text

    def _print(self, expr: ir.Expr) -> tuple[str, int]:
        match expr:
            case ir.Num(value):
                return repr(float(value)), SIGN if value < 0 else ATOM
            case ir.Var(name):
                return self.name(name), ATOM
            case ir.Element(name, index):
                return self._element(name, index), ATOM
            case ir.Unary("-", operand):
                return f"-{self.number(operand, SIGN)}", SIGN
            case ir.Binary("^", left, right):
                return self._power(left, right)
            case ir.Binary("/", left, right):
                return self._quotient(left, right)
            case ir.Binary("*", left, right) if self._infinite_beside_a_variable(left, right):
                return f"{self.runtime('times')}({self.number(left)}, {self.number(right)})", ATOM
            case ir.Binary(op, left, right) if op in _LEVEL:
                level = _LEVEL[op]
                return f"{self.number(left, level)} {op} {self.number(right, level + 1)}", level
            case ir.Call(name, args):
                return self.call(name, args), ATOM
        return f"{self.runtime('as_number')}({self.condition(expr)})", ATOM

    def _infinite_beside_a_variable(self, left: ir.Expr, right: ir.Expr) -> bool:
        """Whether one factor may be infinite and the other has a derivative, which it then multiplies."""
        factors = (left, right)
        if any(is_nonzero_number(f, self.constants) or f == ir.Var("dt") for f in factors):
            return False
        return any(infinite_factor(f, self.constants, self.powers) for f in factors)

    def _guarded(self, expr: ir.Expr, fill: float, level: int) -> str:
        if self.frame.path is None:
            return self.number(expr, level)
        default = "" if fill == 1.0 else f", {fill!r}"
        return f"{self.runtime('guard')}({self.frame.path.use()}, {self.number(expr)}{default})"

    def _quotient(self, left: ir.Expr, right: ir.Expr) -> tuple[str, int]:
        if is_nonzero_number(right, self.constants):
            return f"{self.number(left, PRODUCT)} / {self.number(right, SIGN)}", PRODUCT
        bounded = never_zero(right, self.constants)
        denominator = self.number(right) if bounded else self._guarded(right, 1.0, COMPARE)
        return f"{self.runtime('divide')}({self.number(left)}, {denominator})", ATOM

    def _power(self, base: ir.Expr, exponent: ir.Expr) -> tuple[str, int]:
        n = whole_exponent(exponent)
        if n is None:
            return self.call("pow", (base, exponent)), ATOM
        if n >= 0:
            return f"{self.number(base, ATOM)}**{n}", POWER
        power = self._guarded(base, 1.0, ATOM)
        return f"{self.runtime('divide')}(1.0, {power}{f'**{-n}' if n < -1 else ''})", ATOM

    def static_index(self, index: ir.Expr) -> int | None:
        """Return an index that is known when the module is printed."""
        match index:
            case ir.Num(value):
                return int(value)
            case ir.Var(name) if name not in self.frame.env and self.interface.is_constant(name):
                return int(self.interface.mechanism.symbols[name].default)
        return None

    def _element(self, name: str, index: ir.Expr) -> str:
        known = self.static_index(index)
        if known is not None:
            return f"{self.name(name)}[{known}]"
        return f"{self.runtime('element')}({self.name(name)}, {self.number(index)})"

    def call(self, name: str, args: tuple[ir.Expr, ...]) -> str:
        """Print the call of a routine or an intrinsic, with everything it needs from the file."""
        if name in self.interface.mechanism.routines:
            return self._routine_call(self.interface.routine(name), args)
        if name == FUNC_TABLE:
            return self._function_table(args)
        if name not in INTRINSICS:
            raise InvalidIR(f"{self.where}: call of {name}, which is no routine and no known function")
        if len(args) != INTRINSICS[name]:
            raise InvalidIR(f"{self.where}: {name} takes {INTRINSICS[name]} arguments, not {len(args)}")
        fills = dict(GUARDS.get(name, ()))
        printed = [self._guarded(a, fills[k], 0) if k in fills else self.number(a) for k, a in enumerate(args)]
        printed += [self.name(self.file_key(read)) for read in INTRINSIC_READS.get(name, ())]
        return f"{self.runtime(name)}({', '.join(printed)})"

    def _function_table(self, args: tuple[ir.Expr, ...]) -> str:
        symbols = self.interface.mechanism.symbols
        table = symbols.get(args[0].name) if args and isinstance(args[0], ir.Var) else None
        if table is None or table.role is not ir.Role.TABLE or len(args) < 2:
            raise InvalidIR(f"{self.where}: {FUNC_TABLE} takes a FUNCTION_TABLE and one argument or more")
        values = ", ".join(self.number(a) for a in args[1:])
        return f"{self.runtime(FUNC_TABLE)}({self.name(self.file_key(table.name))}, {values})"

    def _routine_call(self, routine: ir.Routine, args: tuple[ir.Expr, ...]) -> str:
        if len(args) != len(routine.args):
            raise InvalidIR(f"{self.where}: {routine.name} takes {len(routine.args)} arguments, not {len(args)}")
        printed = [self.number(a) for a in args]
        for name in self.interface.inputs(routine):
            value = python_name(name) if self.interface.is_table(name) else self.name(self.file_key(name))
            printed.append(f"{python_name(name)}={value}")
        if self.frame.path is not None and routine.name in self.interface.conditional:
            printed.append(f"{WHEN}={self.frame.path.use()}")
        return f"{python_name(routine.name)}({', '.join(printed)})"
