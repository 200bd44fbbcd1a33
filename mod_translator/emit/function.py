"""The body of one routine as the lines of a Python function."""

from __future__ import annotations

from collections.abc import Mapping

from mod_translator import ir
from mod_translator.emit.expressions import Expressions, Frame, Path
from mod_translator.emit.history import carried_by
from mod_translator.emit.interface import Interface, unique
from mod_translator.emit.liveness import Liveness
from mod_translator.emit.names import WHEN, all_names, fresh, python_name
from mod_translator.emit.safety import power_variables
from mod_translator.emit.text import INDENT
from mod_translator.passes import walk
from mod_translator.validate import InvalidIR


def _assigned(body: tuple[ir.Stmt, ...]) -> tuple[str, ...]:
    """Names that the statements themselves assign: locals and file-level variables, not what callees write."""
    names: list[str] = []
    for stmt in walk.statements(body):
        if isinstance(stmt, ir.Assign):
            names.append(stmt.target.name)
        elif isinstance(stmt, ir.CallRoutine) and stmt.result is not None:
            names.append(stmt.result)
        elif isinstance(stmt, ir.SolveImplicit):
            names += stmt.states
    return unique(names)


class FunctionBody:
    """Prints one routine. Python variables are assigned again in order; only a branch works on names of its own."""

    def __init__(self, interface: Interface, routine: ir.Routine, used: set[str]) -> None:
        self.interface = interface
        self.routine = routine
        self.symbols = interface.mechanism.symbols
        self.mine = routine.args if routine.name not in interface.solver_rates else ()
        self.local = frozenset(n for n in (*_assigned(routine.body), *routine.results) if n not in self.symbols)
        where = f"mechanism {interface.mechanism.name}, {routine.kind} {routine.name}"
        self.text = Expressions(interface, frozenset(self.mine), Frame({}), where, self.local, used)
        self.text.powers = power_variables(routine.body, self.text.constants)
        self.taken = {python_name(n) for n in all_names(interface.mechanism) | self.local}
        self.base: dict[str, str] = {}
        self.cases = 0
        self._name_variables()
        self.liveness = Liveness(interface, self.text.file_key)

    def _name_variables(self) -> None:
        exact = self.interface.inputs(self.routine, exact=True)
        file_level = unique((*exact, *self.routine.writes))
        shadowed = set(self.mine) & set(file_level)
        for name in file_level:
            self.base[self.text.file_key(name)] = python_name(name)
        for name in unique((*self.routine.args, *sorted(self.local))):
            own = python_name(name)
            hides_routine = name in self.interface.mechanism.routines and name not in self.routine.results
            if name in shadowed or (hides_routine and name not in self.base):
                own = fresh(f"{own}_here", self.taken)
                self.taken.add(own)
            self.base[name] = own
        self.parameters = tuple(self.base[a] for a in self.routine.args)
        env = {a: self.base[a] for a in self.routine.args}
        env |= {self.text.file_key(n): python_name(n) for n in exact}
        path = Path(WHEN) if self.routine.name in self.interface.conditional else None
        self.text.frame = Frame(env, path)

    def lines(self) -> list[str]:
        """Return the statements, without the return."""
        events = (self.interface.mechanism.net_receive, self.interface.mechanism.net_initial)
        args = self.routine.args if any(self.routine is e for e in events) else ()
        writes = (self.text.file_key(w) for w in self.routine.writes)
        return self._block(self.routine.body, {*self.routine.results, *writes, *args})

    def result(self, name: str, *, stacked: bool = False) -> str:
        """Return the text of a value that the function returns."""
        key = name if name in self.routine.results or name in self.routine.args else self.text.file_key(name)
        value = self.text.frame.env.get(key)
        if value is None and name in self.symbols:
            raise InvalidIR(f"{self.text.where} lists {name} among its writes but nothing in it assigns it")
        if stacked and name in self.symbols and self.symbols[name].length:
            return f"{self.text.runtime('stack')}({value})"
        return value or "0.0"

    # ---------------------------------------------------------------------------------------------- statements

    def _block(self, body: tuple[ir.Stmt, ...], after: set[str]) -> list[str]:
        live = [after]
        for stmt in reversed(body):
            live.append(self.liveness.before_one(stmt, live[-1]))
        lines: list[str] = []
        for stmt, live_after in zip(body, live[-2::-1], strict=True):
            match stmt:
                case ir.Assign():
                    lines.append(self._assign(stmt))
                case ir.If():
                    lines += self._if(stmt, live_after)
                case ir.While():
                    lines += self._while(stmt, live_after)
                case ir.CallRoutine():
                    lines += self._call(stmt)
                case ir.SolveImplicit():
                    lines += self._solve(stmt)
                case _:
                    raise InvalidIR(f"{self.text.where}: a solver pass left {type(stmt).__name__} behind")
        return lines

    def _target(self, key: str) -> str:
        """Return the Python name to assign to here, and make it the variable's current one."""
        frame = self.text.frame
        name = self.base.setdefault(key, python_name(key.removeprefix("@")))
        frame.env[key] = fresh(name + frame.suffix, self.taken) if frame.suffix else name
        return frame.env[key]

    def _assign(self, stmt: ir.Assign) -> str:
        value = self.text.number(stmt.value)
        if isinstance(stmt.target, ir.Var):
            return f"{self._target(stmt.target.name)} = {value}"
        name, index = stmt.target.name, stmt.target.index
        before = self.text.frame.env.get(name) or self._empty(name)
        known = self.text.static_index(index)
        put = f"put({before}, {known}, {value})" if known is not None else ""
        put = put or f"put_at({before}, {self.text.number(index)}, {value})"
        self.text.runtime("put" if known is not None else "put_at")
        return f"{self._target(name)} = {put}"

    def _empty(self, name: str) -> str:
        """Return an array variable that nothing has assigned yet."""
        if name in self.symbols:
            return f"(0.0,) * {max(self.symbols[name].length, 1)}"
        stmts = (s for s in walk.statements(self.routine.body) if isinstance(s, ir.Assign))
        indices = [s.target.index for s in stmts if isinstance(s.target, ir.Element) and s.target.name == name]
        known = [self.text.static_index(i) for i in indices]
        if any(k is None for k in known):
            raise InvalidIR(f"{self.text.where}: length of the local array {name} is not known")
        return f"(0.0,) * {1 + max(k for k in known if k is not None)}"

    def _if(self, stmt: ir.If, live_after: set[str]) -> list[str]:
        self.cases += 1
        number = "" if self.cases == 1 else f"_{self.cases}"
        case = fresh(f"case{number}", self.taken)
        lines = [f"{case} = {self.text.unguarded_condition(stmt.condition)}"]
        outer = self.text.frame
        then = self._branch(stmt.then, self._path(case, number, outer.path, taken=True), f"_if{number}", live_after)
        otherwise = self._path(case, number, outer.path, taken=False)
        orelse = self._branch(stmt.orelse, otherwise, f"_else{number}", live_after)
        changed = unique(k for env in (then[1], orelse[1]) for k, name in env.items() if outer.env.get(k) != name)
        lines += then[0] + orelse[0]
        for key in (k for k in changed if k in live_after):
            values = [self._branch_value(key, env) for env in (then[1], orelse[1])]
            lines.append(f"{self._target(key)} = {self.text.runtime('where')}({case}, {values[0]}, {values[1]})")
        return lines if len(lines) > 1 else []

    def _while(self, stmt: ir.While, live_after: set[str]) -> list[str]:
        """Print a loop: its turn as a function of what a turn changes and somebody needs."""
        self.cases += 1
        number = "" if self.cases == 1 else f"_{self.cases}"
        turn, on = fresh(f"turn{number}", self.taken), fresh(f"on{number}", self.taken)
        outer = self.text.frame
        needed = self.liveness.before_one(stmt, live_after)
        keys = [k for k in self._changed(stmt.body) if k in needed or k in live_after]
        start = [self._branch_value(k, outer.env) for k in keys]
        arrays = [k for k in keys if self._is_array(k)]
        carried = self.text.runtime("whole") if arrays else ""
        start = [f"{carried}({value})" if k in arrays else value for k, value in zip(keys, start, strict=True)]
        self.text.frame = Frame(dict(outer.env), Path(on, parent=None), f"_turn{number}")
        parameters = [self._target(k) for k in keys]
        condition = self.text.unguarded_condition(stmt.condition)
        if outer.path is not None:
            condition = f"{self.text.runtime('logical_and')}({outer.path.use()}, {condition})"
        body = self._block(stmt.body, {*keys, *needed})
        left = [self.text.name(k) for k in keys]
        self.text.frame = outer
        lines = [f"def {turn}({', '.join([on, *parameters])}):", *(INDENT + line for line in body)]
        lines.append(f"{INDENT}return {_pack(left)}")
        test = f"lambda {', '.join(parameters)}: {condition}"
        call = f"{self.text.runtime('loop')}({test}, {turn}, {_pack(start)})"
        return [*lines, f"{_unpack([self._target(k) for k in keys])} = {call}"]

    def _changed(self, body: tuple[ir.Stmt, ...]) -> tuple[str, ...]:
        """Return the keys of all that statements may assign, callees included."""
        keys: list[str] = []
        for stmt in walk.statements(body):
            match stmt:
                case ir.Assign(target, _, _):
                    keys.append(target.name)
                case ir.CallRoutine(name, _, _, result):
                    keys += [self.text.file_key(w) for w in self.interface.routine(name).writes]
                    keys += [result] if result else []
        return unique(keys)

    def _branch_value(self, key: str, env: dict[str, str]) -> str:
        if key in env:
            return env[key]
        name = key.removeprefix("@")
        if name in self.symbols and key not in self.mine:
            raise InvalidIR(f"{self.text.where} assigns {name} on some paths only, but {name} is not among its reads")
        return "0.0"

    def _path(self, case: str, number: str, outer: Path | None, *, taken: bool) -> Path:
        negated = f"logical_not({case})"
        if outer is None:
            return Path(case) if taken else Path(fresh(f"not_case{number}", self.taken), negated)
        name = fresh(f"in_case{number}" if taken else f"not_case{number}", self.taken)
        return Path(name, f"logical_and({outer.name}, {case if taken else negated})", outer)

    def _branch(
        self, body: tuple[ir.Stmt, ...], path: Path, suffix: str, live_after: set[str]
    ) -> tuple[list[str], dict[str, str]]:
        outer = self.text.frame
        self.text.frame = Frame(dict(outer.env), path, suffix)
        lines = self._block(body, live_after)
        env = self.text.frame.env
        self.text.frame = outer
        if path.used and path.value is not None:
            for function in ("logical_and", "logical_not"):
                if f"{function}(" in path.value:
                    self.text.runtime(function)
            lines.insert(0, f"{path.name} = {path.value}")
        return lines, env

    def _call(self, stmt: ir.CallRoutine) -> list[str]:
        routine = self.interface.routine(stmt.name)
        outputs = self.interface.outputs(routine)
        if not outputs:
            return []
        call = self.text.call(stmt.name, stmt.args)
        targets = []
        for name in outputs:
            if name not in routine.results:
                targets.append(self._target(self.text.file_key(name)))
            else:
                targets.append(self._target(stmt.result) if stmt.result and name == routine.results[0] else "_")
        return [f"{', '.join(targets)} = {call}"]

    def _solve(self, stmt: ir.SolveImplicit) -> list[str]:
        rates = self.interface.routine(stmt.rates)
        count = len(stmt.states)
        cells = [(s, i) for s in stmt.states for i in range(max(self._length(s), 1))]
        if len(rates.args) != count + stmt.twice * len(cells) or len(rates.results) != len(cells):
            raise InvalidIR(f"{self.text.where}: {rates.name} must take {count} states and return {len(cells)} values")
        carried = carried_by(self.interface, rates, stmt)
        eternal = {"dt": "1e9"} if stmt.steady else {}
        parameters = ", ".join(python_name(a) for a in rates.args)
        keys = [self.text.file_key(s) for s in stmt.states]
        old = [self._whole(k) for k in keys]
        own = {n: python_name(n) for n in carried}
        taking = ", ".join((parameters, *own.values()))
        function = f"lambda {taking}: {python_name(rates.name)}({parameters}{self._inputs(rates, eternal | own)})"
        method = self.text.runtime(stmt.method + ("_steady" if stmt.steady else "_in_order" if carried else ""))
        options = [self.text.name(self.text.file_key("dt"))] if stmt.advances else []
        if carried:
            outputs = self.interface.outputs(rates)
            options += [_pack([self._whole(self.text.file_key(n)) for n in carried])]
            options += [f"at={_pack([str(outputs.index(n)) for n in carried])}"]
        if stmt.method == "sparse":
            rows = [str(i) for i, (state, _) in enumerate(cells) if state in stmt.algebraic]
            options += [f"algebraic={_pack(rows)}"] if rows else []
            options += ["linear=True"] if stmt.linear else []
            options += ["twice=True"] if stmt.twice else []
        targets = [self._target(k) for k in keys]
        into = _unpack(targets)
        if carried:
            into = f"{', '.join(targets)}, {_pack([self._target(self.text.file_key(n)) for n in carried])}"
        last = fresh("last", self.taken) if carried and stmt.method == "sparse" else ""
        into += f", {last}" if last else ""
        lines = [f"{into} = {method}({', '.join([function, _pack(old), *options])})"]
        slopes = ["_"] * len(cells)
        if stmt.doubled:
            start = fresh("start", self.taken)
            lines.insert(0, f"{start} = {_pack(old)}")
            if stmt.method == "derivimplicit":
                slopes = [fresh(f"slope{k}", self.taken) for k in range(len(cells))]
        if rates.writes or slopes[0] != "_":  # what the last evaluation left, at the solution
            written = [*slopes, *(self._target(self.text.file_key(w)) for w in rates.writes)]
            into_of = dict(zip(stmt.states, targets, strict=True))
            again = [f"{into_of[s]}[{i}]" if self._length(s) else into_of[s] for s, i in cells if stmt.twice]
            where = f"*{last}" if last else ", ".join((*targets, *again))
            call = f"{python_name(rates.name)}({where}{self._inputs(rates, eternal)})"
            # A routine that returns one value returns it bare.
            lines.append(f"{', '.join(written)} = {call}")
        if stmt.doubled:
            dt = self.text.name(self.text.file_key("dt"))
            half = [_pack(targets), start, eternal.get("dt", dt), dt]
            half += [_pack(slopes)] if slopes[0] != "_" else []
            lines.append(
                f"{_unpack([self._target(k) for k in keys])} = {self.text.runtime('go_on')}({', '.join(half)})"
            )
        return lines

    def _whole(self, key: str) -> str:
        return f"tuple({self.text.name(key)})" if self._is_array(key) else self.text.name(key)

    def _inputs(self, routine: ir.Routine, instead: Mapping[str, str] | None = None) -> str:
        given = instead or {}
        return "".join(f", {python_name(n)}={given.get(n) or self._input(n)}" for n in self.interface.inputs(routine))

    def _input(self, name: str) -> str:
        return python_name(name) if self.interface.is_table(name) else self.text.name(self.text.file_key(name))

    def _is_array(self, key: str) -> bool:
        return self._length(key.removeprefix("@")) > 0

    def _length(self, name: str) -> int:
        symbol = self.symbols.get(name)
        return 0 if symbol is None else symbol.length


def _pack(names: list[str]) -> str:
    return f"({names[0]},)" if len(names) == 1 else f"({', '.join(names)})"


def _unpack(names: list[str]) -> str:
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)
