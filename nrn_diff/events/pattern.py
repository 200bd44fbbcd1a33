"""PatternStim: sends given spikes on behalf of gids that have no cell here (src/nrnoc/pattern.mod).

It does not queue its spikes one by one: in finitialize, and each time that it wakes, it hands on at least 102 of them,
and wakes again at the time of the first that is left. That decides the order of events of equal time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .errors import EventError
from .frame import Frame

# Of sendgroup(): so many spikes are handed on before it looks at the time.
_AT_ONCE = 100
# The variable of the instance: how many spikes have been handed on.
POSITION = "index"


@dataclass(frozen=True)
class Pattern:
    """times [n] (ms), sources [n]: number of the given train on whose behalf, -1 where nobody listens.

    position: how many have been sent, for a run that goes on. played: PatternStim.play was given Vectors.
    """

    times: Sequence[float]
    sources: Sequence[int]
    position: int = 0
    played: bool = True


class _Sender(Protocol):
    def net_send(self, frame: Frame, time: float, flag: float) -> None: ...

    def send_for(self, frame: Frame, train: int, time: float) -> None: ...


@dataclass(frozen=True)
class PatternProgram:
    """What `interpreter.Program` is for other artificial cells."""

    pattern: Pattern
    net_initial: None = None

    def initial(self, frame: Frame) -> None:
        """INITIAL."""
        frame.instance.values[POSITION] = 0.0
        if self.pattern.played:
            frame.host.net_send(frame, frame.t, 1.0)

    def net_receive(self, frame: Frame) -> None:
        """NET_RECEIVE with sendgroup()."""
        if frame.flag != 1.0:
            return
        host: _Sender = frame.host  # type: ignore[assignment]
        times, sources = self.pattern.times, self.pattern.sources
        position = frame.instance.values[POSITION]
        if not isinstance(position, float):
            raise EventError(f"{frame.instance.label}: {POSITION} is no number")
        k, sent = int(position), 0
        while k < len(times):
            if sources[k] >= 0:
                host.send_for(frame, sources[k], times[k])
            k += 1
            if sent > _AT_ONCE and k < len(times) and frame.t < times[k]:
                break
            sent += 1
        frame.instance.values[POSITION] = float(k)
        if k < len(times):
            host.net_send(frame, frame.t + (times[k] - frame.t), 1.0)
