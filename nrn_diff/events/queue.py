"""NEURON's event queue, item for item: the order of events that have the same time decides what a target sees first.

NEURON holds the earliest event apart (`least_`) and the others in a splay tree that puts an item behind all others of
the same time (src/nrncvode/tqueue.cpp, sptree.hpp). An event that is displaced from `least_` by an earlier one goes
back into the tree behind its equals, so the order of ties is not always the order in which they were sent.
"""

from __future__ import annotations

import enum
import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
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


class Change(enum.Enum):
    """What is done to a queue."""

    INSERT = enum.auto()
    MOVE = enum.auto()
    POP = enum.auto()


@dataclass(slots=True, frozen=True)
class Past(Generic[T]):
    """A queue as it was, and what was done to it since: changes, each with its item and that item's time (ms) then.

    least_time (ms): of `least`, which may have been moved since.
    """

    least: Item[T] | None
    least_time: float
    tree: tuple[tuple[float, int, Item[T]], ...]
    order: int
    changes: list[tuple[Change, Item[T], float]]


class EventQueue(Generic[T]):
    """TQueue of NEURON without its bin queue (cvode.queue_mode(0), the default)."""

    def __init__(self) -> None:
        self._least: Item[T] | None = None
        self._tree: list[tuple[float, int, Item[T]]] = []
        self._order = 0
        self._changes: list[tuple[Change, Item[T], float]] | None = None

    def insert(self, time: float, data: T) -> Item[T]:
        """Queue an event; returns the handle that `move` takes (TQueue::insert)."""
        item = Item(time, data)
        self._insert(item, time)
        return item

    def _insert(self, item: Item[T], time: float) -> None:
        self._note(Change.INSERT, item, time)
        item.time, item.order = time, -1
        least = self._least
        if time < (_EMPTY if least is None else least.time):
            if least is not None:
                self._enqueue(least)
            self._least = item
        else:
            self._enqueue(item)

    def move(self, item: Item[T], time: float) -> None:
        """Give a queued event another time (TQueue::move)."""
        self._note(Change.MOVE, item, time)
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
        self._note(Change.POP, item, item.time)
        self._least = self._dequeue()
        return item

    def waiting(self) -> list[Item[T]]:
        """All items, in the order in which they would be taken if nothing were added."""
        least = [] if self._least is None else [self._least]
        return [*least, *(item for _, _, item in sorted(self._live(), key=lambda entry: entry[:2]))]

    def remember(self) -> Past[T]:
        """From now on note what is done, for `amend`; what was noted before is forgotten."""
        self._changes = []
        least_time = math.inf if self._least is None else self._least.time
        return Past(self._least, least_time, tuple(self._live()), self._order, self._changes)

    def amend(self, past: Past[T], late: Sequence[tuple[float, Callable[[], None]]]) -> None:
        """Do again what was done since `remember`, with what should have been done meanwhile.

        late: (time, what to do), by time (ms): after everything that was taken up to that time. It must put nothing
        into the queue that would have been taken.
        """
        self._least, self._tree, self._order = past.least, list(past.tree), past.order
        if past.least is not None:
            past.least.time, past.least.order = past.least_time, -1
        for time, order, item in past.tree:
            item.time, item.order = time, order
        heapq.heapify(self._tree)
        self._changes = None
        rest = deque(late)
        for change, item, time in past.changes:
            match change:
                case Change.INSERT:
                    self._insert(item, time)
                case Change.MOVE:
                    self.move(item, time)
                case Change.POP:
                    while rest and rest[0][0] < time:
                        rest.popleft()[1]()
                    taken = self.pop(time)
                    assert taken is item
        for _, act in rest:
            act()

    def _note(self, change: Change, item: Item[T], time: float) -> None:
        if self._changes is not None:
            self._changes.append((change, item, time))

    def _live(self) -> Iterator[tuple[float, int, Item[T]]]:
        return (entry for entry in self._tree if entry[2].order == entry[1])

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
