"""The order in which C statements run: if, loops, switch, and what leaves them (break, continue, return).

What may be left early gets a local that is 1 as long as it goes on; what follows inside of it runs only while it is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.loops import can_repeat
from mod_translator.verbatim.expressions import Expressions
from mod_translator.verbatim.names import integer
from mod_translator.verbatim.text import CProblem, line_of

MAX_STATEMENTS = 10_000  # that the loops of one block may become
_ONE, _ZERO = ir.Num(1.0, "1"), ir.Num(0.0, "0")


@dataclass
class _Around:
    """A loop or switch around a statement: the locals that break and continue set to 0 ('': none yet)."""

    loop: bool
    on: str = ""
    turn: str = ""


class Flow(Expressions):
    """Lowers the statements that contain others. `may_return`: the block is the last thing that its routine does."""

    may_return = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._around: list[_Around] = []
        self._last = True  # nothing of the block follows
        self._running = ""  # the local that a return sets to 0 where something follows
        self._budget = MAX_STATEMENTS

    def statement(self, node: Any) -> None:
        """Lower a statement (`Statements` does)."""
        raise NotImplementedError

    def returned(self, node: Any) -> None:
        """Lower the value of a return (`Statements` does)."""
        raise NotImplementedError

    def block(self, items: list[Any]) -> tuple[ir.Stmt, ...]:
        """Return the statements of a whole VERBATIM block."""
        done = self.sequence(items)
        return (self._set(self._running, _ONE, items[0]), *done) if self._running else done

    def sequence(self, items: list[Any]) -> tuple[ir.Stmt, ...]:
        """Return the statements of a list of C statements; what cannot be reached is left out."""
        outer, self.out = self.out, []
        last = self._last
        for i, item in enumerate(items):
            before, rest = len(self.out), items[i + 1 :]
            if isinstance(item, c_ast.If) and not self._around and _can_move(item, rest):
                self._if(item, rest)
                break
            self._last = last and not rest
            self.statement(item)
            self._last = last
            if isinstance(item, c_ast.Return | c_ast.Break | c_ast.Continue):
                break
            left = sorted(self._flags() & ir.assigned(tuple(self.out[before:])))
            if left and rest:
                after = self.sequence(rest)
                self.out += [ir.If(_all(left), after, (), self.loc(item))] if after else []
                break
        done, self.out = tuple(self.out), outer
        self._budget -= len(done)
        if self._budget < 0:
            raise CProblem(f"loops that are more than {MAX_STATEMENTS} statements")
        return done

    def scoped(self, node: Any) -> tuple[ir.Stmt, ...]:
        """Return the statements of the body of an if or a loop, or of a block in braces."""
        self.scope.push()
        done = self.sequence(items_of(node))
        self.scope.pop()
        return done

    def nested(self, node: Any) -> None:
        """Lower a statement that contains others or leaves one."""
        match node:
            case c_ast.Compound():
                self.out += self.scoped(node)
            case c_ast.If():
                self._if(node, [])
            case c_ast.For():
                self._for(node)
            case c_ast.While() | c_ast.DoWhile():
                self._repeat(node, None)
            case c_ast.Switch():
                self._switch(node)
            case c_ast.Break() if self._around:
                self._leave(self._around[-1], "on", node)
            case c_ast.Break() if self.work.going:  # out of the FROM loop of NMODL around the block
                self.work.going[-1] = self.work.going[-1] or self.scope.fresh("going")
                self.out.append(self._set(self.work.going[-1], _ZERO, node))
            case c_ast.Continue() if any(around.loop for around in self._around):
                around = self._around[::-1]
                loop = next(k for k, found in enumerate(around) if found.loop)
                for switch in around[:loop]:
                    self._leave(switch, "on", node)
                self._leave(around[loop], "turn", node)
            case c_ast.Return():
                self._return(node)
            case _:
                raise CProblem(f"a C {type(node).__name__.lower()}", line_of(node))

    # ---------------------------------------------------------------------------------------------------- leaving

    def _flags(self) -> set[str]:
        """Return the locals that say whether what follows here still runs."""
        here = {self._around[-1].on, self._around[-1].turn} if self._around else {self._running}
        return {*here, self.work.running} - {""}

    def _set(self, flag: str, value: ir.Expr, node: Any) -> ir.Stmt:
        return ir.Assign(ir.Var(flag), value, self.loc(node))

    def _leave(self, around: _Around, which: str, node: Any) -> None:
        flag = getattr(around, which) or self.scope.fresh("going")
        setattr(around, which, flag)
        self.out.append(self._set(flag, _ZERO, node))

    def _return(self, node: Any) -> None:
        self.returned(node)
        if not self._last:
            self._running = self._running or self.scope.fresh("running")
            self.out.append(self._set(self._running, _ZERO, node))
        for around in self._around:
            self._leave(around, "on", node)

    # --------------------------------------------------------------------------------------------------- if, switch

    def _if(self, node: Any, rest: list[Any]) -> None:
        """Lower an if; `rest` is what follows one that returns: it moves to the branch that does not."""
        test = self.condition(self.full(node.cond))
        branches = [(b, [] if _always_returns(items_of(b)) else rest) for b in (node.iftrue, node.iffalse)]
        if test.constant is not None:
            chosen, more = branches[0 if test.constant else 1]
            self.out += self.scoped(chosen) + self.sequence(more)
            return
        then, orelse = (self.scoped(branch) + self.sequence(more) for branch, more in branches)
        if then or orelse:
            self.out.append(ir.If(test.expr, then, orelse, self.loc(node)))

    def _switch(self, node: Any) -> None:
        chosen = self.number(self.full(node.cond), node)
        if chosen.kind != "int":
            raise CProblem("a switch of a double, which does not compile", line_of(node), "switch ((int)x)")
        labels, bodies = self._cases(node)
        outer, self.out, last, self._last = self.out, [], self._last, False
        self._around.append(_Around(loop=False))
        default = labels.index(None) if None in labels else -1
        if chosen.constant is not None:
            at = labels.index(chosen.constant) if chosen.constant in labels else default
            self.out += self.scoped(c_ast.Compound(bodies[at])) if at >= 0 else ()
        else:
            held = ir.Var(self.scope.fresh("chosen"))
            otherwise = self.scoped(c_ast.Compound(bodies[default])) if default >= 0 else ()
            for label, body in zip(labels[::-1], bodies[::-1], strict=True):
                if label is not None:
                    test = ir.Binary("==", held, integer(label).expr)
                    otherwise = (ir.If(test, self.scoped(c_ast.Compound(body)), otherwise, self.loc(node)),)
            self.out += [ir.Assign(held, chosen.expr, self.loc(node)), *otherwise]
        on = self._around.pop().on
        done, self.out, self._last = self.out, outer, last
        self.out += [self._set(on, _ONE, node), *done] if on else done

    def _cases(self, node: Any) -> tuple[list[int | None], list[list[Any]]]:
        """Return the labels of a switch (None: default) and what runs from each on."""
        labels: list[int | None] = []
        bodies: list[list[Any]] = []
        for part in items_of(node.stmt):
            if not isinstance(part, c_ast.Case | c_ast.Default):
                raise CProblem("a statement of a switch before its first case", line_of(part))
            if any(isinstance(n, c_ast.Case | c_ast.Default) for s in part.stmts or () for n in within(s)):
                raise CProblem("a case inside of another", line_of(part))
            label = self.value(part.expr).constant if isinstance(part, c_ast.Case) else None
            if label in labels or (label is None and isinstance(part, c_ast.Case)):
                raise CProblem("a case that is no constant, or one that stands twice", line_of(part))
            labels.append(label)
            bodies.append(list(part.stmts or []))
        return labels, [_from_label(bodies[k:]) for k in range(len(bodies))]

    # ------------------------------------------------------------------------------------------------------- loops

    def _for(self, node: Any) -> None:
        self.scope.push()
        parts = node.init.decls if isinstance(node.init, c_ast.DeclList) else _parts(node.init)
        for part in parts:
            self.statement(part)
        name, start = _first(parts[0]) if len(parts) == 1 else ("", None)
        counts = self._counts(node, name, start) if start is not None else None
        if counts is None:
            self._repeat(node, node.next)
        else:
            self._unroll(node, name, counts)
        self.scope.pop()

    def _counts(self, node: Any, name: str, start: Any) -> list[int] | None:
        """Return the values of a loop's counter, the one after the last turn included; None if they are not known."""
        found = None if name.startswith("_l") else self.own(name, None, node)
        first = self._quietly(start)
        if found is None or found.kind != "int" or first is None or _touched(node.stmt, name):
            return None
        if not isinstance(found.expr, ir.Var):
            raise CProblem(f"{name} counts two loops at the same time", line_of(node))
        counts = [first]
        while True:
            self.scope.push()
            self.scope.frames[-1][f"C int {name}"] = integer(counts[-1]).expr
            goes_on = None if node.cond is None else self._quietly(node.cond)
            following = self._next(node.next, name, counts[-1])
            self.scope.pop()
            if goes_on is None or following is None:
                return None
            if not goes_on:
                return counts
            counts.append(following)
            if len(counts) > MAX_STATEMENTS:
                raise CProblem(f"loops that are more than {MAX_STATEMENTS} statements", line_of(node))

    def _quietly(self, node: Any) -> int | None:
        """Return the value of an int or a condition that is known; None, and nothing is done, if it is not."""
        outer, self.out = self.out, []
        value = self.value(node)
        done, self.out = self.out, outer
        return None if done else value.constant

    def _next(self, step: Any, name: str, count: int) -> int | None:
        match step:
            case c_ast.UnaryOp() if step.op in ("++", "p++", "--", "p--") and _is(step.expr, name):
                return count + (1 if "+" in step.op else -1)
            case c_ast.Assignment() if step.op in ("+=", "-=") and _is(step.lvalue, name):
                by = self._quietly(step.rvalue)
                return None if by is None else count + (by if step.op == "+=" else -by)
            case c_ast.Assignment() if step.op == "=" and _is(step.lvalue, name):
                return self._quietly(step.rvalue)
        return None

    def _unroll(self, node: Any, name: str, counts: list[int]) -> None:
        found = self.own(name, None, node)
        assert found is not None
        assert isinstance(found.expr, ir.Var)
        outer, self.out, last, self._last = self.out, [], self._last, False
        around = _Around(loop=True)
        self._around.append(around)
        leaves = any(isinstance(n, c_ast.Break | c_ast.Return) for n in within(node.stmt))
        turns: list[tuple[ir.Stmt, ...]] = []
        for count in counts[:-1]:
            self.scope.push()
            self.scope.frames[-1][f"C int {name}"] = integer(count).expr
            around.turn = ""
            turn = self.scoped(node.stmt)
            self.scope.pop()
            self._budget -= 1
            start = (self._set(found.expr.name, integer(count).expr, node),) if leaves else ()
            turns.append((*start, self._set(around.turn, _ONE, node), *turn) if around.turn else (*start, *turn))
        self._around.pop()
        self.out, self._last = outer, last
        end = self._set(found.expr.name, integer(counts[-1]).expr, node)
        if not around.on:
            self.out += [*(s for turn in turns for s in turn), end]
            return
        self.out.append(self._set(around.on, _ONE, node))
        self.out += [ir.If(_all([around.on]), turn, (), self.loc(node)) for turn in (*turns, (end,))]

    def _repeat(self, node: Any, following: Any) -> None:
        """Lower a loop whose number of turns is only known at run time. following: what for does after each turn."""
        outer, self.out, last, self._last = self.out, [], self._last, False
        around = _Around(loop=True)
        self._around.append(around)
        body = self.scoped(node.stmt)
        self._around.pop()
        if around.turn:
            body = (self._set(around.turn, _ONE, node), *body)
        if following is not None:
            self.out = []
            for part in _parts(following):
                self.statement(part)
            after = tuple(self.out)
            body = (*body, ir.If(_all([around.on]), after, (), self.loc(node))) if around.on else (*body, *after)
        self.out = []
        value = integer(1) if node.cond is None else self.full(node.cond)
        if value.constant and not around.on:
            raise CProblem("a loop that never ends", line_of(node))
        test = self.condition(value).expr
        before, self.out, self._last = tuple(self.out), outer, last
        late = isinstance(node, c_ast.DoWhile)
        if around.on or before or late:
            on = around.on or self.scope.fresh("going")
            check = (*before, ir.If(test, (), (self._set(on, _ZERO, node),), self.loc(node)))
            still = _all([on])
            if late:
                body = (*body, ir.If(still, check, (), self.loc(node)))
            else:
                body = (*check, ir.If(still, body, (), self.loc(node)))
            self.out.append(self._set(on, _ONE, node))
            test = still
        if not can_repeat(self.lowering, body, self.work):
            raise CProblem("a loop of events whose number of turns is only known at run time", line_of(node))
        self.out.append(ir.While(test, body, self.loc(node)))


def _all(flags: list[str]) -> ir.Expr:
    test: ir.Expr = ir.Binary("!=", ir.Var(flags[0]), _ZERO)
    for flag in flags[1:]:
        test = ir.Binary("&&", test, ir.Binary("!=", ir.Var(flag), _ZERO))
    return test


def items_of(node: Any) -> list[Any]:
    """Return the statements of a block in braces, or the one statement that stands without."""
    if node is None:
        return []
    return list(node.block_items or []) if isinstance(node, c_ast.Compound) else [node]


def within(node: Any) -> list[Any]:
    """Return a node and all nodes below it."""
    return [node, *(inner for _, child in node.children() for inner in within(child))] if node is not None else []


def _parts(node: Any) -> list[Any]:
    """Return the expressions between commas."""
    return [] if node is None else list(node.exprs) if isinstance(node, c_ast.ExprList) else [node]


def _first(node: Any) -> tuple[str, Any]:
    """Return what a for loop counts and from where, ('', None) if that is not seen."""
    if isinstance(node, c_ast.Decl):
        return str(node.name), node.init
    if isinstance(node, c_ast.Assignment) and node.op == "=" and isinstance(node.lvalue, c_ast.ID):
        return str(node.lvalue.name), node.rvalue
    return "", None


def _from_label(bodies: list[list[Any]]) -> list[Any]:
    """Return the statements from a label on, up to the first break that always runs."""
    run: list[Any] = []
    for item in (item for body in bodies for item in body):
        if isinstance(item, c_ast.Break):
            return run
        inner = items_of(item)
        if isinstance(item, c_ast.Compound) and inner and isinstance(inner[-1], c_ast.Break):
            return [*run, c_ast.Compound(inner[:-1], item.coord)]
        run.append(item)
        if isinstance(item, c_ast.Return | c_ast.Continue):
            return run
    return run


def _can_move(node: Any, rest: list[Any]) -> bool:
    """Return whether an if returns somewhere, so that what follows has to move to the branch that does not."""
    branches = [items_of(node.iftrue), items_of(node.iffalse)]
    somewhere = [any(isinstance(n, c_ast.Return) for item in items for n in within(item)) for items in branches]
    return any(somewhere) and (
        not rest or all(_always_returns(i) or not s for i, s in zip(branches, somewhere, strict=True))
    )


def _always_returns(items: list[Any]) -> bool:
    for item in items:
        if isinstance(item, c_ast.Return):
            return True
        if isinstance(item, c_ast.Compound) and _always_returns(items_of(item)):
            return True
        if isinstance(item, c_ast.If) and all(_always_returns(items_of(b)) for b in (item.iftrue, item.iffalse)):
            return True
    return False


def _is(node: Any, name: str) -> bool:
    return isinstance(node, c_ast.ID) and node.name == name


def _touched(body: Any, name: str) -> bool:
    """Return whether statements may change or hide a variable."""
    for n in within(body):
        if isinstance(n, c_ast.Assignment) and _is(n.lvalue, name):
            return True
        if isinstance(n, c_ast.UnaryOp) and n.op not in ("-", "+", "!") and _is(n.expr, name):
            return True
        if isinstance(n, c_ast.Decl) and n.name == name:
            return True
    return False
