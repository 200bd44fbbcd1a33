"""What a NEURON process can hold that a snapshot does not represent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neuron import h

from mod_translator import ir
from nrn_diff.bridge.callbacks import spike_callbacks
from nrn_diff.bridge.findings import AS_IT_IS, Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import hoc_objects
from nrn_diff.bridge.native import has_extra_scatter_gather, hook
from nrn_diff.bridge.own_init.read import FOLLOWED
from nrn_diff.bridge.reaction_diffusion import is_idle
from nrn_diff.bridge.stdrun import redefined_procedures
from nrn_diff.bridge.threads import how_many

# HOC classes whose objects change a run: class -> (why, remedy).
_CLASSES = {
    "StateTransitionEvent": ("its state transitions run user code", "remove it"),
}


def check_process(findings: Findings, *, from_now: bool = False) -> None:
    """Refuse what would make NEURON's own run differ from the fixed step of the captured equations.

    from_now: the run starts from the present state, so that what NEURON itself does before it may be the user's own.
    """
    cvode = h.CVode()
    if cvode.active():
        findings.refuse(
            "CVODE is active",
            "",
            "the variable step is not supported, only NEURON's fixed step",
            "h.CVode().active(0), and set h.dt: nrn-diff validate --dt MS --cvode ATOL finds one that is near enough",
        )
    elif getattr(h, "using_cvode_", 0):
        findings.refuse(
            "using_cvode_ = 1 without CVODE",
            "stdrun.hoc",
            "continuerun() then goes on to the first step at or after tstop, one more than with the fixed step",
            "h.cvode_active(0), which switches off both",
        )
    if int(cvode.queue_mode()) & 1:
        findings.refuse(
            "binned event queue", "", "events would be delivered at rounded times", "h.CVode().queue_mode(0)"
        )
    for name, (why, remedy) in _CLASSES.items():
        for live in hoc_objects(name):
            findings.refuse(name, live.hname(), why, remedy)
    _check_old_stimuli(findings)
    _check_parallel(findings)
    _check_hooks(findings, from_now)


# Stimuli of NEURON's first versions, which are no point processes: name -> (what only works if there is one, use
# instead). fclamp() is left out: it ends in a crash in NEURON 9.
_OLD_STIMULI = {
    "fstim": (lambda: h.fstim(0, 0.5, 0, 0, 0), "an IClamp"),
    "fsyn": (lambda: h.fsyn(0, 0.5, 0, 1, 0, 0), "an AlphaSynapse"),
}


def _check_old_stimuli(findings: Findings) -> None:
    try:
        there = in_copy(lambda: [name for name, (ask, _) in _OLD_STIMULI.items() if _answers(ask)])
    except ChildFailedError as error:
        findings.refuse("fstim(), fsyn()", "", f"whether they are used cannot be found out: {error}")
        return
    for name in there:
        findings.refuse(
            f"{name}()", "", "it is not supported", f"use {_OLD_STIMULI[name][1]} in its place, or {name}(0)"
        )


def _answers(ask: Callable[[], Any]) -> bool:
    try:
        ask()
    except RuntimeError:  # there is none
        return False
    return True


def check_threads(lowered: Mapping[str, ir.Mechanism], findings: Findings) -> None:
    """Refuse variables of which each of NEURON's threads has its own."""
    threads = how_many()
    for name, mechanism in lowered.items() if threads > 1 else ():
        pasts = (s.name for s in mechanism.symbols.values() if s.block == ir.LAG)  # NEURON's lists know no threads
        for variable in dict.fromkeys((*mechanism.shared, *pasts)):
            findings.refuse(
                f"{variable} of mechanism {name} in {threads} threads",
                mechanism.file,
                "it is assigned in a step, and each of NEURON's threads has one of its own; here there is one for all",
                "h.ParallelContext().nthread(1)",
            )


def _check_parallel(findings: Findings) -> None:
    context: Any = h.ParallelContext()
    if context.nhost() > 1:
        findings.refuse(
            f"{int(context.nhost())} MPI processes",
            "",
            "each process holds a part of the model only",
            "build it in one process",
        )
    if context.nthread() > 1:
        findings.note(f"NEURON uses {int(context.nthread())} threads; its sums may round differently there")
    if hook("nrn_multisplit_solve_"):
        findings.refuse("multisplit", "", "split cells are not supported", "do not call ParallelContext.multisplit")


_BACK_TO_NEURONS = {
    "advance": "if what it does may be left out, give NEURON's back: h('proc advance() { fadvance() }')",
}


def _check_hooks(findings: Findings, from_now: bool) -> None:
    if hook("nrn_nonvint_block") and not is_idle():
        findings.refuse("reaction-diffusion or another solver", "", "neuron.rxd is not supported yet", "remove it")
    scatter = has_extra_scatter_gather()
    if scatter:
        findings.refuse(
            "CVode.extra_scatter_gather",
            "",
            "user code would run in every step and may change anything",
            "remove it with extra_scatter_gather_remove",
        )
    callbacks = spike_callbacks()
    if callbacks:
        findings.refuse(
            f"NetCon.record(callback) ({callbacks} of them)",
            "",
            "user code would run at spikes and may change anything",
            "record spike times into a Vector: netcon.record(vector)",
        )
    changed = [] if from_now else redefined_procedures()
    for name in changed or ():
        if name in FOLLOWED:
            continue
        findings.refuse(
            f"procedure {name}() of stdrun.hoc is redefined",
            "the model's HOC code",
            "h.run() executes it, and what it changes is not part of the equations",
            _BACK_TO_NEURONS.get(name, "set what it changes once, and leave the procedure as NEURON has it")
            + f"; {AS_IT_IS}",
        )
    if changed is None:
        findings.note("whether HOC code redefines init() or advance() cannot be seen in this build of NEURON")
    if callbacks is None:
        findings.note("whether NetCon.record(callback) is used cannot be seen in this build of NEURON")
    if scatter is None:
        findings.note("whether CVode.extra_scatter_gather is used cannot be seen in this build of NEURON")
