"""How many steps a run still takes, where code of the user's own is executed between two of them."""

from __future__ import annotations

import abc
from dataclasses import dataclass

from neuron import h

from nrn_diff.bridge.native import step_of_thread
from nrn_diff.errors import NrnDiffError
from nrn_diff.events.time_grid import n_steps_one_by_one, n_steps_psolve, steps_before, time_grid

_ONE_BY_ONE = 3  # so few steps does psolve() make one by one


class Course(abc.ABC):
    """One call of a run command of NEURON's. The live t, dt and stoprun count."""

    stops: bool  # whether an event without a statement ends it

    @abc.abstractmethod
    def left(self) -> int:
        """Steps still to be made. Raises NrnDiffError if the user's code has changed what cannot be followed."""

    @abc.abstractmethod
    def made(self, steps: int, ends: bool) -> None:
        """So many were made; ends: with an event without a statement."""

    @abc.abstractmethod
    def neuron_can_go_on(self) -> bool:
        """Whether the same command, given to NEURON now, would make the rest."""


def stopped() -> bool:
    """Whether the user's code has set stoprun."""
    return bool(h.stoprun)


@dataclass
class ContinueRun(Course):
    """continuerun(tstop) of stdrun.hoc: `while (t < tstop - dt/2 && stoprun == 0) step()`.

    end (ms): tstop - dt/2, with dt as it was at the beginning. dt (ms): that. within: steps made of the last step(),
    which is nstep_steprun of them.
    """

    end: float
    dt: float
    within: int = 0
    group: int = 0
    stops: bool = False

    @classmethod
    def to(cls, tstop: float) -> ContinueRun:
        """From now to tstop (ms)."""
        return cls(tstop - float(h.dt) / 2, float(h.dt))

    def left(self) -> int:
        """See the base class."""
        t, dt = float(h.t), float(h.dt)
        group = int(h.nstep_steprun)
        if self.within and group != self.group:
            raise NrnDiffError(
                f"nstep_steprun was changed from {self.group} to {group} in the middle of a step() of stdrun.hoc, by a "
                "statement or function of cvode.event; change it at a time at which a step() ends"
            )
        self.group = group
        owed = group - self.within if self.within else 0
        if stopped():
            return owed
        then = float(time_grid(dt, owed, t)[-1])
        return owed + steps_before(self.end, dt, t0=then, nstep_steprun=group)

    def made(self, steps: int, ends: bool) -> None:
        """See the base class."""
        del ends
        self.within = (self.within + steps) % self.group

    def neuron_can_go_on(self) -> bool:
        """See the base class."""
        return not self.within and float(h.dt) == self.dt


def _dt_of_threads() -> float:
    known = step_of_thread()
    if known is None:
        raise NrnDiffError(
            "t was set by hand before psolve(), and this build of NEURON does not show where its threads are: set it "
            "before finitialize, or use continuerun()"
        )
    return known[0]


@dataclass
class Psolve(Course):
    """ParallelContext.psolve(tstop): so many steps, with one dt (nrn_fixed_step_group, fadvance.cpp).

    number: of steps to be made. dt (ms): of all of them.
    """

    number: int
    dt: float
    stops: bool = True

    @classmethod
    def to(cls, tstop: float) -> Psolve:
        """From now to tstop (ms); where t was set by hand, NEURON may go on from where its threads are: sets t to that.

        Raises NrnDiffError if this build of NEURON does not show it.
        """
        dt, there = float(h.dt), float(h.ParallelContext().t(0))
        number = n_steps_psolve(tstop, dt, t0=there)
        if number and float(h.t) != there:
            if number <= _ONE_BY_ONE:
                number = 1 + n_steps_one_by_one(tstop, dt, t0=float(time_grid(dt, 1, float(h.t))[-1]))
            elif dt == _dt_of_threads():
                h.t = there
        return cls(number, dt)

    def left(self) -> int:
        """See the base class."""
        if self.number and float(h.dt) != self.dt:
            raise NrnDiffError(
                f"dt was changed from {self.dt:g} to {float(h.dt):g} ms in the middle of psolve(), by a statement or "
                "function of cvode.event. NEURON would make the rest of the run with the old one. Use continuerun(), "
                "which takes the new one, or psolve() in two pieces."
            )
        return self.number

    def made(self, steps: int, ends: bool) -> None:
        """See the base class."""
        self.number = 0 if ends or stopped() else self.number - steps

    def neuron_can_go_on(self) -> bool:
        """See the base class."""
        return True
