"""NEURON's fixed step, in NEURON's order (nrn_fixed_step_thread in src/nrnoc/fadvance.cpp)."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from nrn_diff.solver.currents import assemble, second_order_currents
from nrn_diff.solver.deliver import deliver
from nrn_diff.solver.diffusion import diffuse
from nrn_diff.solver.dispatch import check_watches, deliver_due, take_log
from nrn_diff.solver.fill_tables import refill
from nrn_diff.solver.moment import Moment, transfer
from nrn_diff.solver.play import Drives, play
from nrn_diff.solver.record import recorded
from nrn_diff.solver.spikes import check_thresholds, crossings, deliver_spikes
from nrn_diff.solver.structure import Structure
from nrn_diff.solver.values import Array, Fixed, State
from nrn_diff.solver.voltage import solve_voltages, update_voltages


class Clock(NamedTuple):
    """One step: its number, its times (ms, summed as NEURON sums them), and the events that fall into it by target.

    early, late: events of given trains at its start and at its end; early_sent, late_sent: steps whose spikes arrive.
    played: what played Vectors set, by phase. moved [instances]: the times after each instance with a DISCRETE block.
    asked: when samples of what events change are due, by half (samples.py).
    """

    number: Array
    start: Array
    middle: Array
    end: Array
    early: dict[str, Array]
    late: dict[str, Array]
    early_sent: dict[str, Array]
    late_sent: dict[str, Array]
    played: Drives
    moved: Array | None = None
    asked: dict[str, Array] = {}  # noqa: RUF012


class Sample(NamedTuple):
    """recorded: at the end of the step, [n_recorded]; then what Vectors sample among the events of its first half and
    of its second, [most, n_columns] each. crossed [n_sources]: spikes sent at its start.

    sent: net_events of the step that Vectors record, by mechanism, [n, instances] (ms), inf for none.
    """

    recorded: Array
    crossed: Array
    sent: dict[str, Array]


def step(structure: Structure, fixed: Fixed, state: State, clock: Clock) -> tuple[State, Sample]:
    """State after one dt, and the sample that NEURON's Vectors take at its end."""
    now = Moment.of(structure, fixed, state, clock.start)
    now.stepping = True
    play(now, clock.played["begin"])
    for thread_safe in (True, False):
        refill(now, thread_safe=thread_safe)
    now.within = clock.played["in_early"]
    check_thresholds(now, clock.number)
    check_watches(now)
    deliver(now, clock.early)
    deliver_spikes(now, clock.early_sent, early=True)
    taken = [deliver_due(now, clock.middle, clock.asked.get("early"))]
    play(now, clock.played["early"])

    now.t = clock.middle
    play(now, clock.played["middle"])
    refill(now, thread_safe=False)
    balance = assemble(now)
    change = solve_voltages(now, balance)
    second_order_currents(now, change.inside)
    update_voltages(now, balance, change)

    now.t = clock.end
    play(now, clock.played["end"])
    refill(now, thread_safe=False)
    now.moved = clock.moved
    advance(now)
    now.run_everywhere("after_solve")
    now.run_everywhere("before_step")
    samples, crossed = recorded(now), crossings(now, clock.number)
    now.within = clock.played["in_late"]
    deliver(now, clock.late)
    deliver_spikes(now, clock.late_sent, early=False)
    taken.append(deliver_due(now, clock.end, clock.asked.get("late")))
    play(now, clock.played["late"])
    samples = jnp.concatenate([samples, *(x.reshape(-1) for x in taken if x is not None)])
    sample = Sample(samples, crossed, take_log(now))
    return now.state(), sample


def advance(now: Moment) -> None:
    """Integrate the states of every mechanism at the new voltage (nonvint)."""
    transfer(now)
    now.run_everywhere("advance")
    diffuse(now)
