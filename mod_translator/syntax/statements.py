"""Statements of the parser's AST to the statements of tree.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mod_translator.errors import TranslationError, UnsupportedConstruct
from mod_translator.ir import Call, Element, Var
from mod_translator.report import Collector
from mod_translator.syntax import tree
from mod_translator.syntax.expressions import Expressions, identifier, integer, number
from mod_translator.syntax.source import Source


def verbatim_index(node: Any) -> int:
    """Return which VERBATIM block of the file a Verbatim node is (see Source.marked)."""
    return int("".join(c for c in str(node.statement.value) if c.isdigit()))


def _is_bare(node: Any) -> bool:
    """Return whether an expression is a sum or a comparison with no parentheses of its own."""
    if type(node).__name__ == "WrappedExpression":
        node = node.expression
    return type(node).__name__ == "BinaryExpression" and str(node.op.eval()).strip() not in ("*", "/", "^")


class Statements:
    """Converts the statements of one source; what cannot be converted is reported and left out."""

    def __init__(self, source: Source, report: Collector) -> None:
        self.source = source
        self.report = report
        self.expr = Expressions(source)
        self._make: dict[str, Callable[[Any], tree.Statement | None]] = {
            "ExpressionStatement": lambda n: self._bare(n.expression),
            "ProtectStatement": lambda n: self._bare(n.expression),
            "LocalListStatement": lambda n: tree.Local(self.locals(n)),
            "IfStatement": self._if,
            "FromStatement": self._from,
            "WhileStatement": self._while,
            "ConductanceHint": lambda n: tree.Conductance(
                identifier(n.conductance), identifier(n.ion) if n.ion else ""
            ),
            "TableStatement": self._table,
            "ReactionStatement": self._reaction,
            "Conserve": lambda n: tree.Conserve(self._side(n.react), self.expr(n.expr)),
            "Compartment": lambda n: self._compartment(n, n.volume, False),
            "LonDiffuse": lambda n: self._compartment(n, n.rate, True),
            "WatchStatement": self._watch,
            "Verbatim": lambda n: tree.VerbatimText(verbatim_index(n)),
            "LagStatement": lambda n: tree.Lag(identifier(n.name), identifier(n.byname)),
            "MutexLock": lambda n: None,
            "MutexUnlock": lambda n: None,
            "UnitState": lambda n: None,
            "LineComment": lambda n: None,
            "BlockComment": lambda n: None,
        }

    def body(self, block: Any) -> tree.Body:
        """Return the statements of a StatementBlock."""
        out = []
        for node in block.statements:
            try:
                make = self._make.get(type(node).__name__)
                statement = make(node) if make else self._bare(node)
            except TranslationError as error:
                self.report.error(error)
                continue
            if statement is not None:
                out.append(statement)
        return tuple(out)

    def locals(self, node: Any) -> tuple[tuple[str, int], ...]:
        """Return (name, length) of the names of a LOCAL statement."""
        out = []
        for variable in node.variables:
            name = variable.name
            if name.is_indexed_name():
                out.append((identifier(name.name), integer(name.length)))
            else:
                out.append((identifier(name), 0))
        return tuple(out)

    def _bare(self, node: Any) -> tree.Statement | None:
        while type(node).__name__ == "WrappedExpression":
            node = node.expression
        kind = type(node).__name__
        if kind == "BinaryExpression":
            target = self.expr(node.lhs)
            if isinstance(target, Call):
                raise UnsupportedConstruct(
                    "an assignment to an earlier value (name@n)",
                    remedy="assign the STATE itself",
                    code="U192",
                    place=self.source.place(self.source.token(identifier(node.lhs.name))),
                )
            assert isinstance(target, Var | Element)
            return tree.Assign(target, self.expr(node.rhs))
        if kind == "DiffEqExpression":
            return self._equation(node.expression)
        if kind == "FunctionCall":
            call = self.expr(node)
            assert isinstance(call, Call)
            return tree.CallStatement(call)
        if kind == "InitialBlock":
            return tree.NetInitial(self.body(node.statement_block))
        if kind == "StatementBlock":
            return tree.Nested(self.body(node))
        if kind == "SolveBlock":
            steady = identifier(node.steadystate) if node.steadystate else ""
            method = identifier(node.method) if node.method else steady
            return tree.Solve(identifier(node.block_name), self.source.name(method), bool(steady))
        if kind in ("LinEquation", "NonLinEquation"):
            return tree.AlgebraicEquation(self.expr(node.lhs), self.expr(node.rhs), kind == "LinEquation")
        if kind == "ForNetcon":
            args = tuple(identifier(a.name) for a in node.parameters)
            return tree.ForNetcons(args, self.body(node.statement_block))
        return tree.Other(kind)

    def _equation(self, node: Any) -> tree.Equation:
        name = node.lhs.name
        index = None
        if name.is_indexed_name():
            index, name = self.expr(name.length), name.name
        state = str(name.value.value)
        target = Var(state) if index is None else Element(state, index)
        return tree.Equation(target, int(name.order.value), self.expr(node.rhs))

    def _if(self, node: Any) -> tree.Conditional:
        arms: list[tuple[Any, tree.Body]] = [(self.expr(node.condition), self.body(node.statement_block))]
        arms += [(self.expr(e.condition), self.body(e.statement_block)) for e in node.elseifs]
        if node.elses:
            arms.append((None, self.body(node.elses.statement_block)))
        return tree.Conditional(tuple(arms), None)

    def _from(self, node: Any) -> tree.Loop:
        step = self.expr(node.increment) if node.increment else None
        first, last = self.expr(getattr(node, "from")), self.expr(node.to)
        return tree.Loop(identifier(node.name), first, last, step, self.body(node.statement_block))

    def _while(self, node: Any) -> tree.While:
        return tree.While(self.expr(node.condition), self.body(node.statement_block), None)

    def _table(self, node: Any) -> tree.TableStatement:
        return tree.TableStatement(
            tuple(identifier(n) for n in node.table_vars),
            tuple(identifier(n) for n in node.depend_vars),
            self.expr(getattr(node, "from")),
            self.expr(node.to),
            integer(getattr(node, "with")),
        )

    def _side(self, node: Any) -> tuple[tuple[int, Var | Element], ...]:
        if type(node).__name__ == "BinaryExpression":
            return self._side(node.lhs) + self._side(node.rhs)
        variable = self.expr(node.name)
        assert isinstance(variable, Var | Element)
        return ((integer(node.value) if node.value else 1, variable),)

    def _reaction(self, node: Any) -> tree.Reaction:
        return tree.Reaction(
            self._side(node.reaction1),
            str(node.op.eval()).strip(),
            self._side(node.reaction2) if node.reaction2 else (),
            self.expr(node.expression1),
            self.expr(node.expression2) if node.expression2 else None,
            (_is_bare(node.expression1), node.expression2 is not None and _is_bare(node.expression2)),
        )

    def _compartment(self, node: Any, amount: Any, diffusion: bool) -> tree.Compartment:
        index = identifier(node.index_name) if node.index_name else ""
        species = tuple(identifier(n) for n in node.species)
        return tree.Compartment(index, self.expr(amount), species, diffusion)

    def _watch(self, node: Any) -> tree.Watch:
        return tree.Watch(tuple((self.expr(w.expression), number(w.value)[0]) for w in node.statements))
