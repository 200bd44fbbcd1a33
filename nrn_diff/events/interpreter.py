"""Runs the translated routines of one mechanism instance with Python floats, in C's arithmetic.

The IR is turned into closures once for each mechanism (no source text is made or executed); a closure takes the frame
of the running block. Used for artificial cells, whose few events need NEURON's numbers to the bit and no speed.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence, Sequence

from mod_translator import ir
from mod_translator.passes.outbox import after_now
from mod_translator.pointees import PICKS
from mod_translator.semantic.names import FUNC_TABLE, VECTOR_ELEMENT, VECTOR_SIZE

from . import random_stream
from .c_math import BINARY, INTRINSICS, UNARY
from .errors import EventError
from .frame import Frame, Slot, Variables
from .function_table import look_up
from .process_stream import DRAWS, ProcessStream
from .random_stream import RandomStream

# Routine calls and loop rounds that one block may take: IntFire4, the most laborious built-in, takes about 200.
STEP_LIMIT = 1_000_000

Evaluate = Callable[[Frame], float]
Execute = Callable[[Frame], None]

_RANDOM: dict[str, tuple[Callable[..., float], tuple[int, ...]]] = {
    "random_uniform": (random_stream.uniform, (0, 2)),
    "random_negexp": (random_stream.negexp, (0, 1)),
    "random_normal": (random_stream.normal, (0, 2)),
    "random_dpick": (lambda stream: stream.dpick(), (0,)),
    "random_ipick": (random_stream.ipick, (0,)),
}
_RANDOM |= dict.fromkeys(PICKS, (lambda stream: stream.pick(), (0,)))
_IGNORED = {"printf", "prterr"}


class Program:
    """The executable form of one mechanism: `initial` and `net_receive` are None where the file has none.

    Raises EventError when a block holds something that this interpreter does not run.
    """

    def __init__(self, mechanism: ir.Mechanism) -> None:
        self.mechanism = mechanism
        self._routines: dict[str, Callable[[Frame, tuple[float, ...]], float]] = {}
        self._compiling: set[str] = set()
        self.initial = self._block(mechanism.initial)
        self.net_receive = self._block(mechanism.net_receive, weights=True)
        self.net_initial = self._block(mechanism.net_initial, weights=True)

    def error(self, message: str, loc: ir.Loc | None) -> EventError:
        """An EventError that names the mechanism, the file and the line."""
        place = self.mechanism.file or self.mechanism.name
        line = f":{loc.line}" if loc is not None else ""
        return EventError(f"{place}{line}: {self.mechanism.name}: {message}")

    def _block(self, routine: ir.Routine | None, *, weights: bool = False) -> Execute | None:
        if routine is None:
            return None
        scope = _Scope(self, routine, routine.args if weights else ())
        return scope.statements(routine.body)

    def routine(self, name: str, loc: ir.Loc | None) -> Callable[[Frame, tuple[float, ...]], float]:
        """A FUNCTION or PROCEDURE as a callable of the caller's frame and the arguments."""
        if name not in self._routines:
            routine = self.mechanism.routines.get(name)
            if routine is None:
                raise self.error(f"{name}() cannot be run outside NEURON; take the event times from a run", loc)
            if name in self._compiling:
                raise self.error(f"{name}() calls itself; recursion is not supported", loc)
            self._compiling.add(name)
            self._routines[name] = self._compile(routine)
        return self._routines[name]

    def _compile(self, routine: ir.Routine) -> Callable[[Frame, tuple[float, ...]], float]:
        if routine.table is not None:
            raise self.error(f"TABLE in {routine.name}() of an artificial cell is not supported", routine.loc)
        body = _Scope(self, routine, ()).statements(routine.body)
        names, loc = routine.args, routine.loc
        result = routine.results[0] if routine.results else None

        def run(frame: Frame, args: tuple[float, ...]) -> float:
            self.spend(frame, loc)
            if len(args) != len(names):
                raise self.error(f"{routine.name}() takes {len(names)} arguments, got {len(args)}", loc)
            inner = Frame(
                frame.instance, frame.host, frame.t, frame.flag, frame.weights, dict(zip(names, args, strict=True))
            )
            body(inner)
            if result is None:
                return 0.0
            value = inner.locals.get(result)
            if not isinstance(value, float):
                raise self.error(f"{routine.name}() returns without a value", loc)
            return value

        return run

    def process_stream(self, frame: Frame, loc: ir.Loc | None) -> ProcessStream:
        """The stream that all mechanisms of the process have in common; raises EventError where it is not known."""
        if frame.instance.process is None:
            raise self.error("it draws from NEURON's one stream for all mechanisms, which is not known here", loc)
        return frame.instance.process()

    def spend(self, frame: Frame, loc: ir.Loc | None) -> None:
        """Count one call or loop round; raises EventError past STEP_LIMIT, where NEURON would hang."""
        frame.instance.steps += 1
        if frame.instance.steps > STEP_LIMIT:
            raise self.error(f"{frame.instance.label}: more than {STEP_LIMIT} steps in one event, an endless loop", loc)


class _Scope:
    """Turns the statements of one routine into closures."""

    def __init__(self, program: Program, routine: ir.Routine, weights: tuple[str, ...]) -> None:
        self.program = program
        self.symbols = program.mechanism.symbols
        self.weights = {name: i for i, name in enumerate(weights)}
        self.looped: list[dict[str, int]] = []  # of the FOR_NETCONS around, the places of its arguments
        self.locals = {*routine.args, *routine.results} - set(weights)
        self.loc = routine.loc

    # ------------------------------------------------------------------------------------------------ statements

    def statements(self, body: tuple[ir.Stmt, ...]) -> Execute:
        actions = [self.statement(s) for s in body]

        def run(frame: Frame) -> None:
            for action in actions:
                action(frame)

        return run

    def statement(self, stmt: ir.Stmt) -> Execute:
        self.loc = stmt.loc
        match stmt:
            case ir.Assign(target, value, _):
                return self.assign(target, self.expr(value))
            case ir.If(condition, then, orelse, _):
                test, yes, no = self.expr(condition), self.statements(then), self.statements(orelse)
                return lambda frame: yes(frame) if test(frame) else no(frame)
            case ir.While(condition, body, loc):
                return self.loop(self.expr(condition), self.statements(body), loc)
            case ir.ForNetcons(args, body, _):
                return self.for_netcons(args, body)
            case ir.CallRoutine(name, args, _, result):
                return self.call_routine(name, args, result)
        raise self.program.error(f"{type(stmt).__name__} in an artificial cell is not supported", stmt.loc)

    def loop(self, test: Evaluate, body: Execute, loc: ir.Loc) -> Execute:
        """Run `body` while `test` holds; raises EventError past STEP_LIMIT rounds."""

        def run(frame: Frame) -> None:
            while test(frame):
                self.program.spend(frame, loc)
                body(frame)

        return run

    def for_netcons(self, args: tuple[str, ...], body: tuple[ir.Stmt, ...]) -> Execute:
        self.looped.append({name: i for i, name in enumerate(args)})
        inside = self.statements(body)
        self.looped.pop()

        def run(frame: Frame) -> None:
            outer = frame.looped
            for weights in frame.host.netcons():
                frame.looped = (*outer, weights)
                inside(frame)
            frame.looped = outer

        return run

    def call_routine(self, name: str, args: tuple[ir.Expr, ...], result: str | None) -> Execute:
        if name in _IGNORED:
            return lambda frame: None
        if name == "net_send":
            return self.net_send(args)
        if name in ("net_event", "net_move"):
            (time,) = self.arguments(name, args, 1)
            if name == "net_event":
                return lambda frame: frame.host.net_event(frame, time(frame))
            return lambda frame: frame.host.net_move(frame, time(frame))
        value = self.call(name, args)
        if result is None:

            def run(frame: Frame) -> None:
                value(frame)

            return run
        return self.assign(ir.Var(result), value)

    def net_send(self, args: tuple[ir.Expr, ...]) -> Execute:
        # nocmodl writes the text "t + " before the delay (parsact.cpp), so t joins the leftmost term of a sum.
        _, flag = self.arguments("net_send", args, 2)
        time = self.expr(after_now(args[0]))
        return lambda frame: frame.host.net_send(frame, time(frame), flag(frame))

    def assign(self, target: ir.Var | ir.Element, value: Evaluate) -> Execute:
        name, loc = target.name, self.loc
        if isinstance(target, ir.Element):
            index, array = self.expr(target.index), self.array(name)

            def store_element(frame: Frame) -> None:
                items = array(frame)
                items[self.position(items, index(frame), name, loc)] = value(frame)

            return store_element
        vector = self.weight_vector(name)
        if vector is not None:
            i, weights = vector

            def store_weight(frame: Frame) -> None:
                weights(frame)[i] = value(frame)

            return store_weight
        if self.is_pointer(name):
            slot = self.slot(name)
            return lambda frame: slot(frame).set(value(frame))
        variables = self.holder(name)

        def store(frame: Frame) -> None:
            x = value(frame)
            variables(frame)[name] = x

        return store

    # ----------------------------------------------------------------------------------------------- expressions

    def expr(self, e: ir.Expr) -> Evaluate:
        match e:
            case ir.Num(value=number):
                constant = float(number)
                return lambda frame: constant
            case ir.Var(name):
                return self.variable(name)
            case ir.Element(name, index):
                at, array, loc = self.expr(index), self.array(name), self.loc

                def element(frame: Frame) -> float:
                    items = array(frame)
                    return items[self.position(items, at(frame), name, loc)]

                return element
            case ir.Unary(op, operand):
                inner, unary = self.expr(operand), UNARY[op]
                return lambda frame: unary(inner(frame))
            case ir.Binary(op, left, right):
                return self.binary(op, self.expr(left), self.expr(right))
            case ir.Call(name, args):
                return self.call(name, args)
        raise self.program.error(f"{type(e).__name__} in an artificial cell is not supported", self.loc)

    def binary(self, op: str, a: Evaluate, b: Evaluate) -> Evaluate:
        if op == "&&":
            return lambda frame: 1.0 if a(frame) and b(frame) else 0.0
        if op == "||":
            return lambda frame: 1.0 if a(frame) or b(frame) else 0.0
        operation = BINARY[op]
        return lambda frame: operation(a(frame), b(frame))

    def variable(self, name: str) -> Evaluate:
        loc = self.loc
        vector = self.weight_vector(name)
        if vector is not None:
            i, weights = vector
            return lambda frame: weights(frame)[i]
        if name not in self.locals and name == "t":
            return lambda frame: frame.t
        if name not in self.locals and name == "flag" and self._external(name):
            return lambda frame: frame.flag
        if self.is_pointer(name):
            slot = self.slot(name)
            return lambda frame: slot(frame).get()
        variables = self.holder(name)

        def read(frame: Frame) -> float:
            value = variables(frame).get(name)
            if not isinstance(value, float):
                what = "is an array" if isinstance(value, list) else "is read before it has a value"
                raise self.program.error(f"{frame.instance.label}: {name} {what}", loc)
            return value

        return read

    def call(self, name: str, args: tuple[ir.Expr, ...]) -> Evaluate:
        loc = self.loc
        if name in DRAWS:
            draw, inputs = DRAWS[name][0], self.arguments(name, args, DRAWS[name][1])
            return lambda frame: draw(self.program.process_stream(frame, loc), *[x(frame) for x in inputs])
        if name.startswith("random_"):
            return self.random(name, args)
        if name in (VECTOR_SIZE, VECTOR_ELEMENT):
            return self.vector(name, args)
        if name == FUNC_TABLE and args and isinstance(args[0], ir.Var):
            return self.table(args[0].name, [self.expr(a) for a in args[1:]])
        values = [self.expr(a) for a in args]
        if name in self.program.mechanism.routines:
            routine = self.program.routine(name, loc)
            return lambda frame: routine(frame, tuple(v(frame) for v in values))
        intrinsic = INTRINSICS.get(name)
        if intrinsic is None:
            self.program.routine(name, loc)  # raises: neither a routine nor an intrinsic
            raise AssertionError(name)
        function = intrinsic
        if len(values) == 1:
            (single,) = values
            return lambda frame: function(single(frame))
        return lambda frame: function(*[v(frame) for v in values])

    def vector(self, name: str, args: tuple[ir.Expr, ...]) -> Evaluate:
        loc = self.loc
        if len(args) != (1 if name == VECTOR_SIZE else 2) or not isinstance(args[0], ir.Var):
            raise self.program.error(f"{name}() needs the variable of a Vector as its first argument", loc)
        variable = args[0].name
        if name == VECTOR_SIZE:

            def size(frame: Frame) -> float:
                vector = frame.instance.vectors.get(variable)
                return -1.0 if vector is None else float(len(vector))

            return size
        at = self.expr(args[1])

        def element(frame: Frame) -> float:
            items = frame.instance.vectors.get(variable, ())
            return float(items[self.position(items, at(frame), f"the Vector of {frame.instance.label}", loc)])

        return element

    def table(self, name: str, values: list[Evaluate]) -> Evaluate:
        loc = self.loc

        def value(frame: Frame) -> float:
            table = frame.instance.tables.get(name)
            if table is None:
                raise self.program.error(f"{frame.instance.label}: {name} has no content", loc)
            return look_up(table, [x(frame) for x in values])

        return value

    def random(self, name: str, args: tuple[ir.Expr, ...]) -> Evaluate:
        loc = self.loc
        if not args or not isinstance(args[0], ir.Var):
            raise self.program.error(f"{name}() needs a RANDOM variable as its first argument", loc)
        variable, values = args[0].name, [self.expr(a) for a in args[1:]]

        def stream(frame: Frame) -> RandomStream:
            found = frame.instance.random.get(variable)
            if found is None:
                raise self.program.error(f"{frame.instance.label}: no random stream is known for {variable}", loc)
            return found

        if name == "random_is_set":
            return lambda frame: float(variable in frame.instance.random)
        if name == "random_setseq" and len(values) == 1:
            return self.quietly(lambda frame: stream(frame).set_seq(values[0](frame)))
        if name == "random_setids" and len(values) == 3:
            return self.quietly(lambda frame: stream(frame).set_ids(*[v(frame) for v in values]))
        draw, counts = _RANDOM.get(name, (None, ()))
        if draw is None or len(values) not in counts:
            raise self.program.error(f"{name}() with {len(values)} further arguments is not known", loc)
        return lambda frame: draw(stream(frame), *[v(frame) for v in values])

    @staticmethod
    def quietly(action: Execute) -> Evaluate:
        def run(frame: Frame) -> float:
            action(frame)
            return 0.0

        return run

    # ------------------------------------------------------------------------------------------------- variables

    def _external(self, name: str) -> bool:
        symbol = self.symbols.get(name)
        return symbol is None or symbol.role is ir.Role.EXTERNAL

    def is_pointer(self, name: str) -> bool:
        symbol = self.symbols.get(name)
        return name not in self.locals and symbol is not None and symbol.role is ir.Role.POINTER

    def slot(self, name: str) -> Callable[[Frame], Slot]:
        loc = self.loc

        def get(frame: Frame) -> Slot:
            found = frame.instance.pointees.get(name)
            if found is None:
                raise self.program.error(f"{frame.instance.label}: the POINTER {name} leads nowhere", loc)
            return found

        return get

    def holder(self, name: str) -> Callable[[Frame], Variables]:
        """Who holds a variable: the running block, the instance, the mechanism, or nobody (constants)."""
        symbol = self.symbols.get(name)
        if name in self.locals or symbol is None:
            return lambda frame: frame.locals
        if symbol.role is ir.Role.CONSTANT:
            constants: Variables = {name: float(symbol.default)}
            return lambda frame: constants
        if symbol.role is ir.Role.ION:
            raise self.program.error(f"{name}: an artificial cell has no ions", self.loc)
        if symbol.role is ir.Role.INSTANCE:
            return lambda frame: frame.instance.values
        return lambda frame: frame.instance.globals_

    def array(self, name: str) -> Callable[[Frame], list[float]]:
        variables, loc = self.holder(name), self.loc

        def get(frame: Frame) -> list[float]:
            value = variables(frame).get(name)
            if not isinstance(value, list):
                raise self.program.error(f"{frame.instance.label}: {name} is not an array", loc)
            return value

        return get

    def position(self, items: Sequence[float], index: float, name: str, loc: ir.Loc | None) -> int:
        i = int(index)
        if not 0 <= i < len(items):
            raise self.program.error(f"index {i} is outside {name}[{len(items)}]", loc)
        return i

    def weight_vector(self, name: str) -> tuple[int, Callable[[Frame], MutableSequence[float]]] | None:
        """Where an argument of NET_RECEIVE or FOR_NETCONS stands, and in which vector; None for another name."""
        depth = max((d for d, places in enumerate(self.looped) if name in places), default=-1)
        if depth >= 0:
            return self.looped[depth][name], lambda frame: frame.looped[depth]
        if name not in self.weights:
            return None
        loc = self.loc

        def own(frame: Frame) -> MutableSequence[float]:
            if frame.weights is None:
                # NEURON follows a null pointer here.
                raise self.program.error(f"{frame.instance.label}: {name} is used in an event that no NetCon sent", loc)
            return frame.weights

        return self.weights[name], own

    def arguments(self, name: str, args: tuple[ir.Expr, ...], count: int) -> list[Evaluate]:
        if len(args) != count:
            raise self.program.error(f"{name}() takes {count} arguments, got {len(args)}", self.loc)
        return [self.expr(a) for a in args]
