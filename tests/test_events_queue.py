"""The event queue orders ties as NEURON's: one earliest item apart, the others in a stable order behind it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from neuron_process import run_function

from nrn_diff.events.queue import EventQueue


class Plain:
    """TQueue with a sorted list for the splay tree: `enqueue` puts an item behind all others that are not later."""

    def __init__(self):
        self.least = None
        self.rest = []

    def enqueue(self, item):
        at = sum(other[0] <= item[0] for other in self.rest)
        self.rest.insert(at, item)

    def insert(self, time, name):
        item = [time, name]
        if self.least is None or time < self.least[0]:
            if self.least is not None:
                self.enqueue(self.least)
            self.least = item
        else:
            self.enqueue(item)
        return item

    def drop(self, item):
        self.rest = [other for other in self.rest if other is not item]

    def move(self, item, time):
        if item is self.least:
            item[0] = time
            if self.rest and time > self.rest[0][0]:
                self.least = self.rest.pop(0)
                self.enqueue(item)
            return
        self.drop(item)
        item[0] = time
        if time < self.least[0]:
            self.enqueue(self.least)
            self.least = item
        else:
            self.enqueue(item)

    def pop(self, until):
        if self.least is None or self.least[0] > until:
            return None
        item = self.least
        self.least = self.rest.pop(0) if self.rest else None
        return item


time = st.integers(0, 6).map(float)
operation = st.one_of(
    st.tuples(st.just("insert"), time),
    st.tuples(st.just("move"), time, st.integers(0, 40)),
    st.tuples(st.just("pop"), time),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(operation, max_size=60))
def test_every_operation_equals_the_plain_queue(operations):
    ours, plain = EventQueue(), Plain()
    waiting = {}
    for number, (kind, *args) in enumerate(operations):
        if kind == "insert":
            waiting[number] = ours.insert(args[0], number), plain.insert(args[0], number)
        elif kind == "move" and waiting:
            name = sorted(waiting)[args[1] % len(waiting)]
            ours.move(waiting[name][0], args[0])
            plain.move(waiting[name][1], args[0])
        elif kind == "pop":
            a, b = ours.pop(args[0]), plain.pop(args[0])
            assert (a is None) == (b is None)
            if a is not None:
                assert [a.time, a.data] == b
                del waiting[a.data]
    while waiting:
        a, b = ours.pop(1e9), plain.pop(1e9)
        assert [a.time, a.data] == b
        del waiting[a.data]
    assert ours.pop(1e9) is None


def neuron_order(times):
    """The order in which NEURON delivers HocEvents that were queued in this order."""
    from neuron import h

    cvode, seen = h.CVode(), []
    soma = h.Section(name="soma")

    def queue():
        for i, time in enumerate(times):
            cvode.event(time, lambda i=i: seen.append(i))

    handler = h.FInitializeHandler(1, queue)
    h.finitialize(-65)
    while h.t < max(times) + 1:
        h.fadvance()
    del soma, handler
    return seen


def test_ties_come_out_as_in_neuron():
    # Falling on the whole, so that events with equals behind them are displaced from the head of the queue.
    levels = np.repeat(np.arange(9, 1, -1), 10)
    times = (levels + np.random.default_rng(3).integers(-1, 3, 80)).astype(float).tolist()
    queue = EventQueue()
    for i, time in enumerate(times):
        queue.insert(time, i)
    ours = [item.data for item in iter(lambda: queue.pop(1e9), None)]
    assert ours == run_function(neuron_order, times=times)
    assert ours != [i for _, i in sorted((t, i) for i, t in enumerate(times))]
