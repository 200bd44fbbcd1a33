"""What waits in the event queue of artificial cells (events/artificial.py)."""

from __future__ import annotations

from collections.abc import MutableSequence
from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Delivery:
    """A NetCon event. sent (ms): when it was queued."""

    connection: int
    sent: float = 0.0


@dataclass(slots=True, frozen=True)
class Spike:
    """A source whose NetCons all have the same delay: one event for all of them (PreSyn::use_min_delay_).

    whole: also for those that are `apart`.
    """

    source: int
    sent: float = 0.0
    whole: bool = False


@dataclass(slots=True, frozen=True)
class SelfEvent:
    """An event that a cell sent to itself. weights: the arguments that NET_RECEIVE sees."""

    cell: int
    flag: float
    weights: MutableSequence[float] | None
    sent: float = 0.0


@dataclass(slots=True, frozen=True)
class Received:
    """What a cell has received at its latest time; late: it was queued at that time itself. event: what was queued."""

    event: Event
    flag: float
    weights: MutableSequence[float] | None
    late: bool
    of_netcon: bool


@dataclass(slots=True, frozen=True)
class NextGiven:
    """The next event of a given train; queued when the one before is sent, as VecStim and NetStim do.

    starts: NetStim's first self event (flag 3), which queues the first spike for the same time.
    """

    train: int
    position: int
    starts: bool = False


@dataclass(slots=True, frozen=True)
class Other:
    """Something else that waits and displaces what is at the head of the queue. every (ms): it comes again, 0: once."""

    number: int
    every: float


Event = Delivery | Spike | SelfEvent | NextGiven | Other
