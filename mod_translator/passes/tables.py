"""What filling a TABLE takes from an instance and leaves in it.

A thread-safe file has its tables checked before anything else, for the first instance (`_check_table_thread`); any
other file checks a table at each lookup (`_check_<routine>`), so that the first lookup of a run fills it. A fill runs
the routine once for each row, in the variables of that instance: what a row does not assign it finds as the row before
left it, and what the last row leaves stays there, in variables of the table until something looks them up. So even the
TABLE of a routine that the simulation never calls may leave numbers behind.

Where DEPEND names a variable of the instance (in a file that is not thread-safe), a lookup fills the table anew if it
finds another value than the lookup before it, of whichever instance that was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import SemanticError, UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.slices import sliced
from mod_translator.passes.uniform import Uniformity
from mod_translator.passes.walk import blocks, calls

_OF_THE_MOMENT = ("v", "t", "flag")  # at the fill they are whatever the last run left
_OF_THE_PLACE = ("diam", "area")


def tables(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Find what each TABLE leaves behind and which of them NEURON fills for each instance; refuse what is not known."""
    routines = dict(mechanism.routines)
    used = _used(mechanism, [r for block in blocks(mechanism).values() for r in calls(block.body)])
    for routine in mechanism.tables:
        checked = _Fill(mechanism, routine, context).checked(used=routine.name in used)
        if checked is not None:
            routines[routine.name] = checked
            used |= _used(mechanism, [routine.name])
    for routine in mechanism.routines.values():
        if routine.name not in used:
            del routines[routine.name]
    return replace(mechanism, routines=routines)


def _used(mechanism: ir.Mechanism, called: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = [*called]
    while waiting:
        name = waiting.pop()
        if name in mechanism.routines and name not in found:
            found.add(name)
            waiting += calls(mechanism.routines[name].body)
    return found


class _Fill:
    """The filling of one TABLE."""

    def __init__(self, mechanism: ir.Mechanism, routine: ir.Routine, context: PassContext) -> None:
        assert routine.table is not None
        self.mechanism, self.routine, self.table, self.context = mechanism, routine, routine.table, context
        self.analysis = Analysis(mechanism)
        self.symbols = mechanism.symbols
        own = [n for n in self.table.depend if self.symbols[n].role is ir.Role.INSTANCE]
        self.anew = bool(own) and not mechanism.thread_safe
        self.own_depend = own
        inside = self._below(routine)
        everything = (*mechanism.routines.values(), *blocks(mechanism).values())
        self.elsewhere = [r for r in everything if r.name not in inside]
        self.before, self.after = self._around_the_first_lookup()

    def checked(self, *, used: bool) -> ir.Routine | None:
        """Return the routine with what is known of its table; None if it has no part in the simulation."""
        variables = self.table.variables
        leaves = tuple(self._leaves())
        if not used and not leaves:
            what = f"{self.routine.kind} {self.routine.name} is not used in a simulation and is left out"
            self.context.note_at(what, self.routine.loc)
            return None
        if variables and not set(variables) & {*self.routine.results, *self.routine.writes}:
            self.context.refuse_at(
                SemanticError,
                "S179",
                f"the TABLE of {self.routine.name} holds {', '.join(variables)}, of which it assigns none",
                "assign them, or remove the TABLE",
                self.table.loc,
            )
        taken = self._takes()
        return replace(self.routine, table=replace(taken, per_instance=self.anew, leaves=leaves))

    def _below(self, routine: ir.Routine) -> set[str]:
        return _used(self.mechanism, [routine.name])

    def _around_the_first_lookup(self) -> tuple[ir.Routine, ir.Routine | None]:
        """Return INITIAL before the statement that surely looks the table up first, and the rest of it."""
        initial = self.mechanism.initial or ir.Routine("initial", "INITIAL", ())
        for i, statement in enumerate(initial.body):
            if isinstance(statement, ir.Assign | ir.CallRoutine) and any(
                c in self.mechanism.routines and self.routine.name in self._below(self.mechanism.routines[c])
                for c in calls((statement,))
            ):
                return replace(initial, body=initial.body[:i]), replace(initial, body=initial.body[i + 1 :])
        return initial, None

    def _assigns(self, routine: ir.Routine, name: str) -> bool:
        return name in ir.assigned(routine.body) and name not in routine.args

    # ----------------------------------------------------------------------------------------- what a fill leaves

    def _leaves(self) -> list[str]:
        exposed = {name for block in blocks(self.mechanism).values() for name in self.analysis.exposed(block)}
        left = []
        for name in self.routine.writes:
            symbol = self.symbols[name]
            if not (symbol.visible or name in exposed) or (name in self.table.variables and self._is_looked_up(name)):
                continue
            if symbol.role is ir.Role.INSTANCE and not symbol.common and self._moment_is_known(name):
                left.append(name)
            elif (name in exposed or not symbol.common) and not self._set_by_initial(name):
                self.context.refuse_at(
                    UnsupportedConstruct,
                    "U177",
                    f"{self.routine.name} assigns {name}, which is not in its TABLE: NEURON assigns it only while it "
                    "fills the table, and what it then has depends on what else assigns it",
                    f"put {name} into the TABLE, or compute it in a PROCEDURE of its own",
                    self.table.loc,
                )
        return left

    def _is_looked_up(self, name: str) -> bool:
        """Return whether a variable of the table is assigned before anybody sees what the fill has left in it."""
        if not self.mechanism.thread_safe:
            return True  # the fill is part of a lookup
        for field, block in blocks(self.mechanism).items():
            if field != "initial" and name in self.analysis.exposed(block):
                return self._set_by_initial(name)
        current = self.mechanism.current
        return self._set_by_initial(name) or (current is not None and name in self.analysis.surely_written(current))

    def _set_by_initial(self, name: str) -> bool:
        """Return whether INITIAL, after the fill, gives a variable its value."""
        initial = self.mechanism.initial
        return (
            self.mechanism.thread_safe
            and initial is not None
            and name in self.analysis.surely_written(initial)
            and name not in self.analysis.exposed(initial)
        )

    def _moment_is_known(self, name: str) -> bool:
        """Return whether it is the same if the fill comes before INITIAL."""
        if self.mechanism.thread_safe:
            return True
        writers = [r for r in self.elsewhere if self._assigns(r, name)]
        return not writers and name not in self.analysis.exposed(self.before) and self.after is not None

    # ----------------------------------------------------------------------------------------- what a fill takes

    def _takes(self) -> ir.Table:
        """Return the table with what it takes from elsewhere; refuse what is not known."""
        exposed = self.analysis.exposed(self.routine)
        of_filler: list[str] = []
        forgotten: list[str] = []
        for name in sorted(exposed, key=self.routine.reads.index):
            symbol = self.symbols[name]
            own = symbol.role in (ir.Role.INSTANCE, ir.Role.ION, ir.Role.POINTER) or name in (
                *_OF_THE_MOMENT,
                *_OF_THE_PLACE,
            )
            if own and self._is_known(name):
                if not self.anew:
                    what = f"the TABLE of {self.routine.name} holds what the first instance has for {name}"
                    self.context.note_at(what, self.table.loc)
            elif own and self._is_of_the_row_before(name):
                forgotten.append(name)
            elif own and self._is_of_the_filler(name):
                of_filler.append(name)
                what = f"where {', '.join(self.own_depend)} is the same in several instances one after the other, the "
                what += f"TABLE of {self.routine.name} holds what the first of them has for {name} (not in DEPEND)"
                self.context.note_at(what, self.table.loc)
            elif own:
                common = f", or make {name} GLOBAL" if symbol.role is ir.Role.INSTANCE else ""
                self.context.refuse_at(
                    UnsupportedConstruct,
                    "U172",
                    f"the TABLE of {self.routine.name} depends on {name}, which every instance has its own value of: "
                    "NEURON fills one table with the values of whichever instance comes first",
                    f"remove the TABLE{common}; usetable_{self.mechanism.name} = 0 shows NEURON's run without it",
                    self.table.loc,
                )
            elif name not in self.table.depend and symbol.role is not ir.Role.CONSTANT:
                self.context.note_at(
                    f"the TABLE of {self.routine.name} is not refilled when {name} changes (it is not in DEPEND)",
                    self.table.loc,
                )
        unsure = tuple(self._uses(forgotten)) if forgotten else ()
        if unsure:
            what = f"the first row of the TABLE of {self.routine.name} has {', '.join(unsure)} from what "
            what += f"{', '.join(forgotten)} was when NEURON filled it: NaN here"
            self.context.note_at(what, self.table.loc)
        return replace(self.table, of_filler=tuple(of_filler), forgotten=tuple(forgotten), unsure=unsure)

    def _is_of_the_row_before(self, name: str) -> bool:
        """Return whether every row but the first finds in a variable what only the row before decides."""
        if name not in self.routine.writes or self.symbols[name].role is not ir.Role.INSTANCE:
            return False
        body = self.analysis.body(self.routine)
        whole = all(cell in body.must for cell in body.may if cell[0] == name)
        carried = self.analysis.exposed(self.routine) & set(self.routine.writes)
        return whole and not self._exposed_for(name) & carried

    def _exposed_for(self, name: str) -> set[str]:
        body = sliced(self.routine.body, {name}, self.analysis)
        return self.analysis.exposed(replace(self.routine, table=None, results=(), body=body))

    def _uses(self, found: list[str]) -> Iterator[str]:
        """Return what the table holds that depends on some variables on entry."""
        for name in self.table.variables or self.routine.results:
            if self._exposed_for(name) & set(found):
                yield name

    def _is_of_the_filler(self, name: str) -> bool:
        """Return whether it is the filling instance that decides on a variable, which it alone has and keeps."""
        in_events = [b for field, b in blocks(self.mechanism).items() if field in ("net_receive", "net_initial")]
        if not self.anew or any(self.routine.name in _used(self.mechanism, calls(b.body)) for b in in_events):
            return False
        symbol = self.symbols[name]
        writers = [r for r in self.elsewhere if self._assigns(r, name)]
        own = symbol.role is ir.Role.INSTANCE and not symbol.common and name not in self.routine.writes
        return name in _OF_THE_PLACE or (own and (not writers or self._is_set_alike(name, writers)))

    def _is_set_alike(self, name: str, writers: list[ir.Routine]) -> bool:
        """Return whether INITIAL alone gives a variable its value, the same in all instances, before any lookup."""
        initial = self.mechanism.initial
        if self.mechanism.thread_safe or initial is None or any(r.name != "initial" for r in writers):
            return False
        if name in self.routine.writes:
            return False
        looked_up = self.routine.name in _used(self.mechanism, calls(initial.body))
        sure = name in self.analysis.surely_written(initial)
        return sure and not looked_up and Uniformity(self.mechanism).left_by(initial).get(name, False)

    def _is_known(self, name: str) -> bool:
        """Return whether the value that the filling instance has for a variable of its own is known."""
        symbol = self.symbols[name]
        if name in _OF_THE_PLACE:
            return not self.anew
        if symbol.role is not ir.Role.INSTANCE or name in self.mechanism.shared:
            return False
        writers = [r for r in self.elsewhere if self._assigns(r, name)]
        if self.anew:
            own = name in self.own_depend and symbol.visible and not symbol.length
            return own and not writers and name not in self.routine.writes
        if self.mechanism.thread_safe:
            return not symbol.common or not writers
        if self.after is None or not writers:
            return not writers or self._is_set_alike(name, writers)
        once = all(r.name == "initial" for r in writers) and name not in self.routine.writes
        return once and name in self.analysis.surely_written(self.before) and name not in ir.assigned(self.after.body)
