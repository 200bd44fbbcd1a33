"""enable(), disable(): h.run(), h.continuerun() and ParallelContext.psolve() run on JAX."""

from __future__ import annotations

import abc
import atexit
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
from neuron import h

from nrn_diff.bridge.native import keeping_the_place
from nrn_diff.bridge.stdrun import is_equivalent, redefined_procedures, stock_text
from nrn_diff.cache import keep_compiled_programs
from nrn_diff.errors import CaptureError, NrnDiffError
from nrn_diff.plugin.course import ContinueRun, Course, Psolve
from nrn_diff.plugin.progress import Progress, screen
from nrn_diff.plugin.session import Session
from nrn_diff.plugin.statements import execute

# What continuerun() calls; a version of the user's own would not run here. init(), run() and the like NEURON executes.
_INSIDE = frozenset({"step", "advance"})
_HOC = """
objref nrn_diff_plugin_
strdef nrn_diff_message_
proc nrn_diff_neuron_continuerun() {}
"""
_DONE, _NEURON, _FAILED = 0, 1, -1


class Fallback(abc.ABC):
    """What happens with a run that cannot be reproduced."""

    @abc.abstractmethod
    def run_in_neuron(self, error: CaptureError, told: set[str]) -> bool:
        """Whether NEURON runs it itself; otherwise the error is raised. told: reasons that were printed already."""


@dataclass(frozen=True)
class Refuse(Fallback):
    """It is an error, which says everything that stands in the way."""

    def run_in_neuron(self, error: CaptureError, told: set[str]) -> bool:
        """See the base class."""
        return False


@dataclass(frozen=True)
class RunInNeuron(Fallback):
    """NEURON runs it, and each reason is printed once."""

    def run_in_neuron(self, error: CaptureError, told: set[str]) -> bool:
        """See the base class."""
        new = [r for r in map(str, error.refusals) if r not in told]
        told.update(new)
        if new:
            say("this run is NEURON's own, because of\n" + "\n".join(f"- {r}" for r in new))
        return True


FALLBACK: dict[str | None, Fallback] = {None: Refuse(), "neuron": RunInNeuron()}


def say(text: str) -> None:
    """To the terminal, apart from what the user's script prints."""
    print(f"nrn_diff: {text}", file=sys.stderr, flush=True)


@dataclass
class _Plugin:
    """The object that HOC calls."""

    fallback: Fallback = field(default_factory=Refuse)
    session: Session = field(default_factory=Session)
    on: bool = False
    error: BaseException | None = None
    told: set[str] = field(default_factory=set)
    runs: int = 0
    in_neuron: int = 0
    summarised: bool = False

    def continuerun(self, tstop: float) -> int:
        """For HOC: 0 done, 1 NEURON shall do it, -1 failed (nrn_diff_message_ says why)."""
        self.error = None
        try:
            done = self.run(ContinueRun.to(float(tstop)), hoc=True)
        except BaseException as error:
            _forget_objects(error)
            self.error = error
            h.nrn_diff_message_ = str(error) or type(error).__name__
            return _FAILED
        return _DONE if done else _NEURON

    def run(self, course: Course, *, hoc: bool) -> bool:
        """Make the steps; False: NEURON shall make what is left of them. Raises CaptureError."""
        progress = Progress(screen())
        try:
            return self._run(course, progress, hoc=hoc)
        finally:
            progress.close()

    def _run(self, course: Course, progress: Progress, *, hoc: bool) -> bool:
        while steps := course.left():
            if not self.on and course.neuron_can_go_on():  # the user's code has called disable()
                return False
            if hoc and (own := _executed_in_each_step()):
                self._leave_steps(own, course)
                return False
            try:
                with keeping_the_place():
                    progress.left = steps
                    piece = self.session.run(steps, progress, stops=course.stops)
            except CaptureError as error:
                _forget_objects(error)
                if course.neuron_can_go_on() and self.fallback.run_in_neuron(error, self.told):
                    self.in_neuron += 1
                    return False
                self.error = error
                raise
            progress.made += piece.steps
            execute(piece.events)
            course.made(piece.steps, piece.ends)
        self.runs += bool(progress.made)
        return bool(progress.made)

    def _leave_steps(self, procedures: Sequence[str], course: Course) -> None:
        """Say once that NEURON makes the steps of a run. Raises NrnDiffError if it cannot go on there."""
        if not course.neuron_can_go_on():
            raise NrnDiffError(
                f"{procedures[0]}() was redefined in the middle of a step() of stdrun.hoc, or dt was changed as well, "
                "by a statement or function of cvode.event; do it before the run"
            )
        self.in_neuron += 1
        text = (
            f"this run is NEURON's own, because {' and '.join(f'{name}()' for name in procedures)} of your own code is "
            "executed in each step. What it records or prints can be recorded by Vectors: leave it as stdrun.hoc has "
            "it, and the run is made on JAX"
        )
        if text not in self.told:
            self.told.add(text)
            say(text)


def _forget_objects(error: BaseException) -> None:
    """An error that is kept must not keep the user's NetCons alive: NEURON crashes where their target is gone."""
    traceback.clear_frames(error.__traceback__)


_plugin = _Plugin()


def enable(fallback: Fallback | str | None = None) -> None:
    """From now on h.run(), h.continuerun() (also from HOC) and pc.psolve() (from Python) run on JAX.

    The user's Vectors are filled, and states, t and the event queue are left as NEURON would leave them. fallback: what
    happens with what cannot be reproduced; None or Refuse(): a CaptureError (through HOC: a RuntimeError with its
    text); 'neuron' or RunInNeuron(): NEURON runs it and says so. Sets JAX to float64. Raises NrnDiffError for an
    unknown fallback.
    """
    if not isinstance(fallback, Fallback):
        if fallback not in FALLBACK:
            raise NrnDiffError(f"fallback={fallback!r}: use None, 'neuron', or an object of nrn_diff.plugin.Fallback")
        fallback = FALLBACK[fallback]
    jax.config.update("jax_enable_x64", True)
    keep_compiled_programs()
    _plugin.fallback = fallback
    if _plugin.on:
        return
    h.load_file("stdrun.hoc")
    own = redefined_procedures()
    if own is not None and "continuerun" in own:
        say("continuerun() of your own code runs in NEURON, as before; only ParallelContext.psolve() runs on JAX")
    else:
        h(_HOC)
        h(stock_text("continuerun").replace("continuerun", "nrn_diff_neuron_continuerun", 1))
        h.nrn_diff_plugin_ = _plugin
        h(
            "proc continuerun() {local done  stoprun = 0  done = nrn_diff_plugin_.continuerun($1)\n"
            "if (done == 1) { nrn_diff_neuron_continuerun($1) }\n"
            "if (done == 0) { flushPlot() }\n"
            'if (done < 0) { execerror(nrn_diff_message_, "") } }'
        )
        is_equivalent("continuerun")
    type(h.ParallelContext()).psolve = _psolve
    _plugin.on = True
    atexit.unregister(_say_at_exit)
    atexit.register(_say_at_exit)


def disable() -> None:
    """Give the run commands back to NEURON."""
    if not _plugin.on:
        return
    _plugin.on = False
    del type(h.ParallelContext()).psolve
    if hasattr(h, "nrn_diff_plugin_") and h.nrn_diff_plugin_ is not None:
        h(stock_text("continuerun"))
        h("objref nrn_diff_plugin_")


@contextmanager
def enabled(fallback: Fallback | str | None = None) -> Iterator[None]:
    """`enable()` for a block of code; a refusal in it is a CaptureError also where it comes through HOC."""
    enable(fallback)
    try:
        yield
    except RuntimeError as error:
        if _plugin.error is not None and str(_plugin.error)[:60] in str(error):
            raise _plugin.error from None
        raise
    finally:
        disable()


def summary() -> str:
    """What is to be said when a script has ended; '' if all its runs were made here."""
    _plugin.summarised = True
    if _plugin.in_neuron:
        return f"runs made by NEURON itself: {_plugin.in_neuron}; made on JAX: {_plugin.runs}"
    if not _plugin.runs and h.t > 0:
        return (
            "nothing was run on JAX: the script makes its steps with fadvance(), advance() or step() in a loop of its "
            "own, with a continuerun() of its own, with CVode.solve() (NEURON's variable step), or with psolve() from "
            "HOC, so NEURON made them. h.run(), h.continuerun() and, from Python, ParallelContext.psolve() run on JAX. "
            "What to do: make NEURON's own run in place of the loop, or after the script (--then of nrn-diff run and "
            "validate): in HOC {stdinit() continuerun(tstop)}"
        )
    return ""


def _say_at_exit() -> None:
    """A script whose tools step by themselves, as some do, would not know that NEURON made all of it."""
    if _plugin.on and not _plugin.summarised and not _plugin.runs and not _plugin.in_neuron and (text := summary()):
        say(text)


def last_error() -> BaseException | None:
    """Why the last continuerun() failed, as the error that HOC turned into a RuntimeError."""
    return _plugin.error


def _psolve(context: Any, tstop: float) -> float:
    if _plugin.run(Psolve.to(float(tstop)), hoc=False):
        return 0.0
    cls = type(context)
    del cls.psolve
    try:
        return float(context.psolve(tstop))
    finally:
        cls.psolve = _psolve


def _executed_in_each_step() -> list[str]:
    """Procedures of the user's own that continuerun() calls in each step and that do more than advance and draw."""
    return [name for name in redefined_procedures(prints=False) or () if name in _INSIDE]


def runs_made() -> int:
    """How many runs were made on JAX since the process began."""
    return _plugin.runs
