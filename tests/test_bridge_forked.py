"""Experiments in a copy of the process: what they do, and how they fail, stays there."""

from __future__ import annotations

from typing import Any

import pytest
from neuron_process import run_function


def copies() -> dict[str, Any]:
    import os
    import time

    from nrn_diff.bridge.forked import ChildFailedError, in_copy

    parent, numbers = os.getpid(), [1, 2]

    def grow() -> dict[str, Any]:
        numbers.append(3)
        return {"numbers": numbers, "same process": os.getpid() == parent}

    out: dict[str, Any] = {
        "grown": in_copy(grow),
        "numbers": numbers,
        "large": sum(in_copy(lambda: list(range(300_000)))),
        "failures": {},
    }
    failing = {
        "raises": lambda: 1 / 0,
        "aborts": os.abort,
        "exits": lambda: os._exit(3),
        "no JSON": object,
        "hangs": lambda: time.sleep(60),
    }
    for name, function in failing.items():
        start = time.monotonic()
        try:
            in_copy(function, timeout=5 if name != "hangs" else 0.3)
        except ChildFailedError as error:
            out["failures"][name] = [str(error), time.monotonic() - start < 10]
    return out


def test_what_a_copy_does_stays_there_and_what_it_finds_comes_back() -> None:
    out = run_function(copies)
    assert out["grown"] == {"numbers": [1, 2, 3], "same process": False}
    assert out["numbers"] == [1, 2]
    assert out["large"] == sum(range(300_000))
    messages = {name: message for name, (message, _) in out["failures"].items()}
    assert "ZeroDivisionError" in messages["raises"]
    assert "status" in messages["aborts"]
    assert "status" in messages["exits"]
    assert "TypeError" in messages["no JSON"]
    assert "did not answer" in messages["hangs"]
    assert all(soon for _, soon in out["failures"].values())


def after_jax() -> list[int]:
    import warnings

    import jax.numpy as jnp
    from neuron import h

    from nrn_diff.bridge import capture_snapshot

    warnings.simplefilter("error")
    jnp.linalg.solve(jnp.eye(200), jnp.ones(200)).block_until_ready()
    soma = h.Section(name="soma")
    vector = h.Vector().record(soma(0.5)._ref_v)
    return [len(capture_snapshot(tstop=1).records) for _ in range(5)] + [int(vector.size())]


@pytest.mark.long
def test_copies_work_after_jax_has_started_its_threads() -> None:
    assert run_function(after_jax) == [1, 1, 1, 1, 1, 0]


def waiting_event_of_a_deleted_netcon() -> dict[str, Any]:
    from neuron import h

    from nrn_diff.bridge.forked import ChildFailedError, in_copy
    from nrn_diff.bridge.play_record import _dump, play_record_kinds

    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    vector = h.Vector().record(soma(0.5)._ref_v)
    stim, cell = h.NetStim(), h.IntFire1()
    stim.start, stim.number, cell.refrac = 1, 1, 50
    netcon = h.NetCon(stim, cell, 0, 1, 5)
    h.finitialize()
    h.continuerun(10)
    del netcon
    try:
        in_copy(_dump)
        aborted = False
    except ChildFailedError:
        aborted = True
    queue = h.Vector()
    kinds = [int(k) for k in play_record_kinds()]
    h.CVode().print_event_queue(queue)
    return {"aborted": aborted, "kinds": kinds, "queue": list(queue), "t": h.t, "n": int(vector.size())}


def test_a_neuron_that_cannot_save_its_state_does_not_end_the_users_process() -> None:
    out = run_function(waiting_event_of_a_deleted_netcon)
    assert out["aborted"]  # otherwise NEURON was repaired, and the second way is not needed any more
    assert out["kinds"] == [6]
    assert out["queue"] == [52]
    assert out["t"] == pytest.approx(10)
    assert out["n"] == 401
