"""Events of NET_RECEIVE as results of a function: what a block sends, when, and in which order.

A printed function has no side effects, so that every net_send, net_event, net_move and WATCH becomes assignments to
results of its own, which the caller reads. FOR_NETCONS becomes one copy of its body for each NetCon that an instance
may have at most, a loop that sends MAX_TURNS copies of its body.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mod_translator import ir
from mod_translator.errors import Place, UnsupportedConstruct
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import (
    all_names,
    blocks,
    calls,
    expressions,
    fresh,
    rebuild,
    rename,
    statements,
    with_blocks,
)
from mod_translator.passes.walk import names as used_names
from mod_translator.semantic.names import EVENT_CALLS

# What the caller of net_receive says besides the time and the flag of an event (names that no mod file has).
PRESENT = "event__present"  # whether there is an event at all
OWN = "netcon__own"  # which of the NetCons of the instance brought it, counted from 0; -1: none
NEVER = -1.0
MAX_TURNS = 32  # of a loop that sends, in one call; what would go on after them is a failure of the run
MORE = "more_turns"  # Site.kind of such a loop


@dataclass(frozen=True, slots=True)
class Site:
    """One statement that concerns the queue. kind: 'net_send', 'net_event', 'net_move', 'WATCH', or MORE: a loop.

    time: the result that holds when (ms), -1 where the statement did not run; of a WATCH 1 where the condition holds
    already, else 0; of a loop 0 where it would go on. flag: the result that holds the flag of net_send. watch: which of
    the watched values, of a WATCH.
    """

    kind: str
    time: str
    flag: str = ""
    watch: int = -1


@dataclass(frozen=True, slots=True)
class Outbox:
    """sites: by block, in the order of the text, which is that in which they run. watch_flags: of the watched values.

    netcons: names of the weights that FOR_NETCONS may change, for each NetCon of an instance in turn; present: inputs
    that say whether an instance has so many.
    """

    sites: dict[str, tuple[Site, ...]]
    watch_flags: tuple[float, ...] = ()
    netcons: tuple[tuple[str, ...], ...] = ()
    present: tuple[str, ...] = ()


def uses_queue(mechanism: ir.Mechanism) -> bool:
    """Whether a mechanism sends events, watches a condition, or loops over its NetCons."""
    return sends_events(mechanism) or loops_over_netcons(mechanism)


def sends_events(mechanism: ir.Mechanism) -> bool:
    """Whether a mechanism sends events or watches a condition."""
    return any(set(calls(r.body)) & set(EVENT_CALLS) for r in blocks(mechanism).values())


def loops_over_netcons(mechanism: ir.Mechanism) -> bool:
    """Whether there is a FOR_NETCONS."""
    return any(isinstance(s, ir.ForNetcons) for r in blocks(mechanism).values() for s in statements(r.body))


def outbox(mechanism: ir.Mechanism, fan_in: int = 1) -> tuple[ir.Mechanism, Outbox]:
    """The mechanism without events in it, and where they went. fan_in: most NetCons that one instance has.

    NET_RECEIVE does nothing where `PRESENT` is 0. `Mechanism.watch` returns the values that are watched.
    """
    work = _Outbox(mechanism, fan_in)
    found = {field: work.block(field, routine) for field, routine in blocks(mechanism).items()}
    if work.watched:
        loc = ir.Loc(1)
        body = tuple(ir.Assign(ir.Var(f"watch__{k}"), value, loc) for k, value in enumerate(work.watched))
        results = tuple(f"watch__{k}" for k in range(len(body)))
        found["watch"] = ir.Routine("watch", "WATCH", body, results=results)
    made = with_blocks(replace(mechanism, symbols=work.symbols), found)
    analysis = Analysis(made)
    filled = {}
    for field, routine in found.items():
        reads, writes = analysis.summary(routine)
        filled[field] = replace(routine, reads=reads, writes=writes)
    return with_blocks(made, filled), Outbox(work.sites, tuple(work.flags), work.netcons, work.present)


class _Outbox:
    def __init__(self, mechanism: ir.Mechanism, fan_in: int) -> None:
        self.mechanism = mechanism
        self.used = all_names(mechanism)
        self.symbols = dict(mechanism.symbols)
        self.sites: dict[str, tuple[Site, ...]] = {}
        self.watched: list[ir.Expr] = []
        self.flags: list[float] = []
        self.netcons: tuple[tuple[str, ...], ...] = ()
        self.present: tuple[str, ...] = ()
        receive = mechanism.net_receive
        if receive is not None and loops_over_netcons(mechanism):
            names = [tuple(fresh(f"{a}__{k}", self.used) for a in receive.args) for k in range(fan_in)]
            self.netcons = tuple(names)
            self.present = tuple(fresh(f"netcon__{k}", self.used) for k in range(fan_in))

    def _input(self, name: str) -> None:
        self.symbols[name] = ir.Symbol(name, ir.Role.EXTERNAL)

    def block(self, field: str, routine: ir.Routine) -> ir.Routine:
        sites: list[Site] = []

        def each_netcon(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
            match statement:
                case ir.ForNetcons(args, body, loc):
                    return self._for_netcons(routine, args, body, loc)
            return (statement,)

        def each_loop(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
            if isinstance(statement, ir.While) and set(calls(statement.body)) & set(EVENT_CALLS):
                return self._turns(statement)
            return (statement,)

        def each_event(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
            match statement:
                case ir.CallRoutine(kind, args, loc, _) if kind in EVENT_CALLS or kind == MORE:
                    return self._site(sites, kind, args, loc)
            return (statement,)

        body = rebuild(rebuild(routine.body, each_netcon), each_loop)  # what a loop sends, it sends for each NetCon
        body = rebuild(body, each_event)
        loc = routine.loc or ir.Loc(1)
        names = [n for s in sites for n in (s.time, s.flag) if n]
        if field == "net_receive":
            body = (ir.If(ir.Var(PRESENT), body, (), loc),)
            self._input(PRESENT)
        never = tuple(ir.Assign(ir.Var(n), ir.Num(NEVER), loc) for n in names)
        extra: tuple[str, ...] = ()
        if field == "net_receive" and self.netcons:
            extra = tuple(n for names_of_one in self.netcons for n in names_of_one)
            for name in (*self.present, OWN):
                self._input(name)
        self.sites[field] = tuple(sites)
        args = (*routine.args, *extra)
        changed = ir.assigned(body)
        return replace(
            routine,
            body=(*never, *body),
            args=args,
            arg_units=(*routine.arg_units, *("",) * len(extra)),
            results=tuple(dict.fromkeys((*routine.results, *(a for a in args if a in changed), *names))),
        )

    def _site(self, sites: list[Site], kind: str, args: tuple[ir.Expr, ...], loc: ir.Loc) -> tuple[ir.Stmt, ...]:
        time = fresh(f"{kind.lower()}__{len(sites)}", self.used)
        if kind == "WATCH":
            value, flag = args
            assert isinstance(flag, ir.Num)
            sites.append(Site(kind, time, watch=len(self.watched)))
            self.watched.append(value)
            self.flags.append(flag.value)
            # WatchCondition::activate: the condition counts as fulfilled from -hoc_epsilon on.
            above = ir.If(
                ir.Binary(">=", value, ir.Num(-1e-11, "-1e-11")),
                (ir.Assign(ir.Var(time), ir.Num(1.0, "1"), loc),),
                (ir.Assign(ir.Var(time), ir.Num(0.0, "0"), loc),),
                loc,
            )
            return (above,)
        when = after_now(args[0]) if kind == "net_send" else ir.Num(0.0, "0") if kind == MORE else args[0]
        out: tuple[ir.Stmt, ...] = (ir.Assign(ir.Var(time), when, loc),)
        flag_name = ""
        if kind == "net_send":
            flag_name = fresh(f"{time}_flag", self.used)
            out = (*out, ir.Assign(ir.Var(flag_name), args[1], loc))
        sites.append(Site(kind, time, flag_name))
        return out

    def _turns(self, loop: ir.While) -> tuple[ir.Stmt, ...]:
        if any(isinstance(s, ir.CallRoutine) and s.name == MORE for s in statements(loop.body)):
            raise UnsupportedConstruct(
                "a loop that sends events, within another",
                remedy="use FROM with constant bounds for one of them",
                code="U150",
                place=Place(self.mechanism.file, loop.loc.line, loop.loc.column),
            )
        turn = ir.If(loop.condition, loop.body, (), loop.loc)
        more = ir.If(loop.condition, (ir.CallRoutine(MORE, (), loop.loc),), (), loop.loc)
        return (*(turn,) * MAX_TURNS, more)

    def _for_netcons(
        self, routine: ir.Routine, args: tuple[str, ...], body: tuple[ir.Stmt, ...], loc: ir.Loc
    ) -> tuple[ir.Stmt, ...]:
        def of(names: tuple[str, ...]) -> tuple[ir.Stmt, ...]:
            return rename(ir.Routine("", "", body), dict(zip(args, names, strict=False))).body

        mentioned = {n for s in statements(body) for e in expressions(s) for n in used_names(e)} | ir.assigned(body)
        out: list[ir.Stmt] = []
        for k, names in enumerate(self.netcons):
            # The NetCon that brought the event is among them: both names mean the same numbers.
            mine = ir.Binary("==", ir.Var(OWN), ir.Num(float(k), str(k)))
            pairs = list(zip(routine.args, names, strict=True))
            there = tuple(ir.Assign(ir.Var(name), ir.Var(own), loc) for own, name in pairs)
            back = tuple(ir.Assign(ir.Var(own), ir.Var(name), loc) for own, name in pairs)
            turn: tuple[ir.Stmt, ...] = (ir.If(mine, there, (), loc), *of(names), ir.If(mine, back, (), loc))
            if mentioned & set(routine.args):
                turn = (ir.If(mine, (*of(routine.args), *there), of(names), loc),)
            out.append(ir.If(ir.Var(self.present[k]), turn, (), loc))
        return tuple(out)


def after_now(delay: ir.Expr) -> ir.Expr:
    """`t + delay` as C parses it when "t + " is put before the text of `delay`, which is what nocmodl does."""
    if isinstance(delay, ir.Binary) and delay.op in ("+", "-"):
        return ir.Binary(delay.op, after_now(delay.left), delay.right)
    return ir.Binary("+", ir.Var("t"), delay)
