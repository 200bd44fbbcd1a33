"""C statements to IR: assignments, declarations, if, counted for loops, return at the end of a path."""

from __future__ import annotations

from typing import Any

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.names import INTRINSICS
from mod_translator.verbatim.expressions import Expressions, Value, integer, type_name
from mod_translator.verbatim.text import CProblem, line_of

MAX_STATEMENTS = 10_000  # that the loops of one block may become
_ENDS_WITH_0 = ("PROCEDURE", "DERIVATIVE", "INITIAL")
_PRINTERS = ("printf", "fprintf", "fflush", "puts", "Printf", "Fprintf")


class Statements(Expressions):
    """Lowers the statements of one VERBATIM block. `may_return`: the block is the last thing that its routine does."""

    may_return = False
    _budget = MAX_STATEMENTS

    def sequence(self, items: list[Any]) -> tuple[ir.Stmt, ...]:
        """Return the statements of a list of C statements; what follows a return is left out."""
        outer, self.out = self.out, []
        for i, item in enumerate(items):
            if isinstance(item, c_ast.Return):
                self._return(item)
                break
            if isinstance(item, c_ast.If) and _returns(item):
                self._if(item, items[i + 1 :])
                break
            self._statement(item)
        done, self.out = tuple(self.out), outer
        self._budget -= len(done)
        if self._budget < 0:
            raise CProblem(f"loops that are more than {MAX_STATEMENTS} statements")
        return done

    def scoped(self, node: Any) -> tuple[ir.Stmt, ...]:
        """Return the statements of the body of an if or a for, or of a block in braces."""
        self.scope.push()
        done = self.sequence(_items(node))
        self.scope.pop()
        return done

    def _statement(self, node: Any) -> None:  # noqa: PLR0912
        match node:
            case None | c_ast.EmptyStatement() | c_ast.Constant() | c_ast.Pragma():
                pass
            case c_ast.ID():
                self.read(node)
            case c_ast.Decl():
                self._declaration(node)
            case c_ast.DeclList():
                for declaration in node.decls:
                    self._declaration(declaration)
            case c_ast.Assignment():
                self._assignment(node)
            case c_ast.UnaryOp() if node.op in ("++", "--", "p++", "p--"):
                self._change(node.expr, node.op.strip("p")[0], integer(1), node)
            case c_ast.Compound():
                self.out += self.scoped(node)
            case c_ast.If():
                self._if(node, [])
            case c_ast.For():
                self._for(node)
            case c_ast.FuncCall():
                self._call_statement(node)
            case c_ast.Break() if self.work.going:
                self._leave(node)
            case c_ast.Return():
                raise CProblem("a return before the end", line_of(node), "write it with if/else")
            case _:
                what = {"While": "a while loop", "DoWhile": "a do loop", "Switch": "a switch"}
                name = type(node).__name__
                raise CProblem(what.get(name, f"a C {name.lower()}"), line_of(node))

    def _leave(self, node: Any) -> None:
        """`break;` out of the FROM loop of NMODL around the block."""
        self.work.going[-1] = self.work.going[-1] or self.scope.fresh("going")
        self.out.append(ir.Assign(ir.Var(self.work.going[-1]), ir.Num(0.0, "0"), self.loc(node)))

    # ---------------------------------------------------------------------------------- variables and assignments

    def _declaration(self, node: Any) -> None:
        if "extern" in node.storage:
            return
        if node.storage:
            raise CProblem(f"a {node.storage[0]} variable", line_of(node), "declare it in ASSIGNED")
        kind, length, inner = "", 0, node.type
        if isinstance(inner, c_ast.ArrayDecl) and node.init is None and inner.dim is not None:
            size = self.value(inner.dim)
            if size.constant is None or not 0 < size.constant <= MAX_STATEMENTS:
                raise CProblem(f"the length of {node.name}", line_of(node))
            length, inner = size.constant, inner.type
        kind = type_name(inner, node)
        if node.name in self.lowering.symbols.table:
            raise CProblem(f"a C variable {node.name} with the name of a variable of the mechanism", line_of(node))
        value = None if node.init is None else self.converted(self.full(node.init), kind, node)
        frame = self.scope.frames[-1]
        frame.pop(f"C {'int' if kind == 'double' else 'double'} {node.name}", None)
        if length:
            names = tuple(self.scope.fresh(f"{node.name}_{i}") for i in range(length))
            frame[f"C {kind} {node.name}"] = names
            return
        variable = ir.Var(self.scope.fresh(node.name))
        frame[f"C {kind} {node.name}"] = variable
        if value is not None:
            self.out.append(ir.Assign(variable, value.expr, self.loc(node)))

    def _assignment(self, node: Any) -> None:
        if isinstance(node.rvalue, c_ast.Assignment):
            self._assignment(node.rvalue)
            value = self.read(node.rvalue.lvalue)
        elif self._is_own_copy(node):
            return
        else:
            value = self.full(node.rvalue)
        if node.op == "=":
            self._store(node.lvalue, value, node)
        else:
            self._change(node.lvalue, node.op[:-1], value, node)

    def _is_own_copy(self, node: Any) -> bool:
        """Return whether this is `cai = _ion_cai` where cai is that already."""
        sides = (node.lvalue, node.rvalue)
        if node.op != "=" or not all(isinstance(side, c_ast.ID) for side in sides):
            return False
        source = str(node.rvalue.name)
        return source == f"_ion_{node.lvalue.name}" and self.ion(source, node) == node.lvalue.name

    def _change(self, lvalue: Any, op: str, value: Value, node: Any) -> None:
        if not isinstance(lvalue, c_ast.ID | c_ast.ArrayRef):
            raise CProblem(f"the operator {node.op} here", line_of(node))
        old = self.read(lvalue)
        self._store(lvalue, self.arithmetic(op, old, self.number(value, node), node), node)

    def _store(self, lvalue: Any, value: Value, node: Any) -> None:
        place, kind = self.target(lvalue)
        if place is None:
            return
        self.out.append(ir.Assign(place, self.converted(value, kind, node).expr, self.loc(node)))

    # ---------------------------------------------------------------------------------------------- if, for, calls

    def _if(self, node: Any, rest: list[Any]) -> None:
        """Lower an if; `rest` is what follows one that returns: it moves to the branch that does not."""
        test = self.condition(self.full(node.cond))
        branches = []
        for branch in (node.iftrue, node.iffalse):
            items = _items(branch)
            ends = _always_returns(items)
            if rest and not ends and any(_returns(i) for i in items):
                raise CProblem("a return on some paths of a branch", line_of(node), "write it with if/else")
            branches.append((branch, [] if ends else rest))
        if test.constant is not None:
            chosen, more = branches[0 if test.constant else 1]
            self.out += self.scoped(chosen) + self.sequence(more)
            return
        then, orelse = (self.scoped(branch) + self.sequence(more) for branch, more in branches)
        if then or orelse:
            self.out.append(ir.If(test.expr, then, orelse, self.loc(node)))

    def _for(self, node: Any) -> None:
        self.scope.push()
        if isinstance(node.init, c_ast.DeclList) and len(node.init.decls) == 1:
            declaration = node.init.decls[0]
            name, first = declaration.name, declaration.init
            self._statement(node.init)
        elif isinstance(node.init, c_ast.Assignment) and isinstance(node.init.lvalue, c_ast.ID):
            name, first = node.init.lvalue.name, node.init.rvalue
        else:
            raise CProblem("a for loop that does not begin with i = a number", line_of(node))
        start = self.value(first) if first is not None else None
        found = self.own(name, None, node)
        if start is None or start.constant is None or found is None or found.kind != "int" or name.startswith("_l"):
            reason = "a for loop whose counter is no int of the C code or begins at what is only known at run time"
            raise CProblem(reason, line_of(node))
        if not isinstance(found.expr, ir.Var):
            raise CProblem(f"{name} counts two loops at the same time", line_of(node))
        if any(_touches(part, name) for part in _items(node.stmt)) or any(_jumps(p) for p in _items(node.stmt)):
            raise CProblem(f"a for loop that changes {name}, or leaves by break, continue or return", line_of(node))
        count = start.constant
        while self._goes_on(node, name, count):
            self.scope.push()
            self.scope.frames[-1][f"C int {name}"] = integer(count).expr
            self.out += self.scoped(node.stmt)
            count = self._next(node, name, count)
            self.scope.pop()
            self._budget -= 1
            if self._budget < 0:
                raise CProblem(f"loops that are more than {MAX_STATEMENTS} statements", line_of(node))
        self.out.append(ir.Assign(found.expr, integer(count).expr, self.loc(node)))
        self.scope.pop()

    def _goes_on(self, node: Any, name: str, count: int) -> bool:
        self.scope.push()
        self.scope.frames[-1][f"C int {name}"] = integer(count).expr
        test = None if node.cond is None else self.condition(self.value(node.cond)).constant
        self.scope.pop()
        if test is None:
            raise CProblem("a for loop whose end is only known at run time", line_of(node), "use a constant bound")
        return bool(test)

    def _next(self, node: Any, name: str, count: int) -> int:
        step = node.next
        match step:
            case c_ast.UnaryOp() if step.op in ("++", "p++", "--", "p--") and _is(step.expr, name):
                return count + (1 if "+" in step.op else -1)
            case c_ast.Assignment() if step.op in ("+=", "-=") and _is(step.lvalue, name):
                by = self.value(step.rvalue)
                if by.constant is not None:
                    return count + (by.constant if step.op == "+=" else -by.constant)
            case c_ast.Assignment() if step.op == "=" and _is(step.lvalue, name):
                after = self.value(step.rvalue)
                if after.constant is not None:
                    return after.constant
        raise CProblem("a for loop whose step is not a number", line_of(node), "write i++")

    def _call_statement(self, node: Any) -> None:
        own = self.block_call(node, "FUNCTION", "PROCEDURE")
        if own is not None:
            self.out.append(ir.CallRoutine(own[0], own[1], self.loc(node)))
            return
        name = self.callee(node)
        if name not in _PRINTERS or _has_effects(node.args):
            raise CProblem(f"a call of {name}", line_of(node))
        self.lowering.context.note_at(f"{name}() in VERBATIM is left out", self.loc(node))

    def _return(self, node: Any) -> None:
        kind = self.work.kind
        if not self.may_return:
            raise CProblem("a return before the end of its block", line_of(node), "write it with if/else")
        if node.expr is None:
            if kind not in ("INITIAL", "NET_RECEIVE"):
                raise CProblem(f"return without a value in a {kind}", line_of(node), "remove it")
            return
        value = self.converted(self.full(node.expr), "double", node)
        if kind == "FUNCTION":
            self.out.append(ir.Assign(ir.Var(self.scope.function), value.expr, self.loc(node)))
        # In INITIAL it is what older versions of NEURON compiled: the function that nocmodl prints has no value.
        elif kind not in _ENDS_WITH_0 or not (isinstance(value.expr, ir.Num) and value.expr.value == 0):
            remedy = "remove it" if kind != "PROCEDURE" else "make it a FUNCTION"
            raise CProblem(f"return of a value in a {kind}", line_of(node), remedy)


def _items(node: Any) -> list[Any]:
    if node is None:
        return []
    return list(node.block_items or []) if isinstance(node, c_ast.Compound) else [node]


def _within(node: Any) -> list[Any]:
    return [node, *(inner for _, child in node.children() for inner in _within(child))] if node is not None else []


def _returns(node: Any) -> bool:
    return any(isinstance(n, c_ast.Return) for n in _within(node))


def _always_returns(items: list[Any]) -> bool:
    for item in items:
        if isinstance(item, c_ast.Return):
            return True
        if isinstance(item, c_ast.Compound) and _always_returns(_items(item)):
            return True
        if isinstance(item, c_ast.If) and all(_always_returns(_items(b)) for b in (item.iftrue, item.iffalse)):
            return True
    return False


def _jumps(node: Any) -> bool:
    return any(isinstance(n, c_ast.Break | c_ast.Continue | c_ast.Return | c_ast.Goto) for n in _within(node))


def _is(node: Any, name: str) -> bool:
    return isinstance(node, c_ast.ID) and node.name == name


def _touches(node: Any, name: str) -> bool:
    for n in _within(node):
        if isinstance(n, c_ast.Assignment) and _is(n.lvalue, name):
            return True
        if isinstance(n, c_ast.UnaryOp) and n.op not in ("-", "+", "!") and _is(n.expr, name):
            return True
        if isinstance(n, c_ast.Decl) and n.name == name:
            return True
    return False


def _has_effects(node: Any) -> bool:
    for n in _within(node):
        if isinstance(n, c_ast.Assignment) or (isinstance(n, c_ast.UnaryOp) and n.op not in ("-", "+", "!", "&", "*")):
            return True
        if isinstance(n, c_ast.FuncCall) and not (isinstance(n.name, c_ast.ID) and n.name.name in INTRINSICS):
            return True
    return False
