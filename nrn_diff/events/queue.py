"""NEURON's event queue, item for item: the order of events that have the same time decides what a target sees first.

NEURON holds the earliest event apart (`least_`) and the others in a splay tree that puts an item behind all others of
the same time (src/nrncvode/tqueue.cpp, sptree.hpp). An event that is displaced from `least_` by an earlier one goes
back into the tree behind its equals, so the order of ties is not always the order in which they were sent.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# TQueue::least_t() of an empty queue (ms).
_EMPTY = 1e15


@dataclass(slots=True, eq=False)
class Item(Generic[T]):
    """One event in the queue; `time` in ms. `order` is its place among equals, negative while it is the earliest."""

    time: float
    data: T
    order: int = -1


class EventQueue(Generic[T]):
    """TQueue of NEURON without its bin queue (cvode.queue_mode(0), the default)."""

    def __init__(self) -> None:
        self._least: Item[T] | None = None
        self._tree: list[tuple[float, int, Item[T]]] = []
        self._order = 0

    def insert(self, time: float, data: T) -> Item[T]:
        """Queue an event; returns the handle that `move` takes (TQueue::insert)."""
        item = Item(time, data)
        least = self._least
        if time < (_EMPTY if least is None else least.time):
            if least is not None:
                self._enqueue(least)
            self._least = item
        else:
            self._enqueue(item)
        return item

    def move(self, item: Item[T], time: float) -> None:
        """Give a queued event another time (TQueue::move)."""
        least = self._least
        if item is least:
            item.time = time
            first = self._first()
            if first is not None and time > first.time:
                self._least = self._dequeue()
                self._enqueue(item)
        elif least is not None and time < least.time:
            self._remove(item, time)
            self._enqueue(least)
            self._least = item
        else:
            self._remove(item, time)
            self._enqueue(item)

    def pop(self, until: float) -> Item[T] | None:
        """Take the earliest event if its time is <= until (TQueue::atomic_dq)."""
        item = self._least
        if item is None or not item.time <= until:
            return None
        self._least = self._dequeue()
        return item

    def _enqueue(self, item: Item[T]) -> None:
        self._order += 1
        item.order = self._order
        heapq.heappush(self._tree, (item.time, item.order, item))

    def _first(self) -> Item[T] | None:
        while self._tree and self._tree[0][2].order != self._tree[0][1]:
            heapq.heappop(self._tree)
        return self._tree[0][2] if self._tree else None

    def _dequeue(self) -> Item[T] | None:
        item = self._first()
        if item is not None:
            heapq.heappop(self._tree)
            item.order = -1
        return item

    @staticmethod
    def _remove(item: Item[T], time: float) -> None:
        # The heap entry keeps the old order and is skipped when it comes up.
        item.order = -1
        item.time = time
