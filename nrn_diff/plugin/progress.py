"""What a run shows while it takes long: a line on a terminal, a bar in a notebook, nothing elsewhere.

No thread does it, because runs fork: it moves when the run says how far it is.
"""

from __future__ import annotations

import abc
import sys
import time
from html import escape
from typing import Any

_AFTER_S = 2.0  # runs that are done by then show no percentage


class Screen(abc.ABC):
    """Where something can be shown that the next showing replaces."""

    @abc.abstractmethod
    def show(self, text: str, done: float | None = None) -> None:
        """Replace what is there. done: fraction, 0 to 1; None if it is not known."""

    @abc.abstractmethod
    def close(self, text: str) -> None:
        """Nothing more will be shown. text: what it has come to."""


class Nowhere(Screen):
    """Output that goes to a file or a pipe stays what the script itself prints."""

    def show(self, text: str, done: float | None = None) -> None:
        """See the base class."""

    def close(self, text: str) -> None:
        """See the base class."""


class Terminal(Screen):
    """One line, which is gone when the run is done."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def show(self, text: str, done: float | None = None) -> None:
        """See the base class."""
        print(f"\r\033[Knrn_diff: {text}", end="", file=self._stream, flush=True)

    def close(self, text: str) -> None:
        """See the base class."""
        print("\r\033[K", end="", file=self._stream, flush=True)


class Notebook(Screen):
    """One output of the cell, in which a line of text stays. display, html: of IPython.display."""

    def __init__(self, display: Any, html: Any) -> None:
        self._display, self._html = display, html
        self._output: Any = None

    def show(self, text: str, done: float | None = None) -> None:
        """See the base class."""
        bar = "" if done is None else f'<progress max="1" value="{done:.2f}" style="width:300px"></progress> '
        self._put(f"<div>{bar}nrn_diff: {escape(text)}</div>")

    def close(self, text: str) -> None:
        """See the base class."""
        self._put(f"<div>nrn_diff: {escape(text)}</div>")

    def _put(self, content: str) -> None:
        if self._output is None:
            self._output = self._display(self._html(content), display_id=True)
        else:
            self._output.update(self._html(content))


def screen() -> Screen:
    """Of this process, as it is now."""
    interactive = sys.modules.get("IPython")
    if interactive is not None and hasattr(interactive.get_ipython(), "kernel"):
        from IPython.display import HTML, display

        return Notebook(display, HTML)
    return Terminal(sys.stderr) if sys.stderr.isatty() else Nowhere()


class Progress:
    """Of one run: what it is doing when it does not make steps, and how many of its steps it has made.

    made, left: steps, when the run was last interrupted by code of the user's own.
    """

    def __init__(self, on: Screen, after_s: float = _AFTER_S) -> None:
        self._screen, self._after = on, after_s
        self._begin = time.monotonic()
        self.made, self.left = 0, 0
        self._percent = -1
        self._showing = False

    def say(self, doing: str) -> None:
        """What is done now, which may take seconds."""
        self._showing = True
        self._percent = -1
        self._screen.show(doing)

    def at(self, done: int) -> None:
        """So many of the steps left are made. Shown at most once a percent."""
        total = max(self.made + self.left, 1)
        percent = 100 * (self.made + done) // total
        if percent == self._percent or time.monotonic() - self._begin < self._after:
            return
        self._percent, self._showing = percent, True
        self._screen.show(f"{percent} % of {total} steps", percent / 100)

    def close(self) -> None:
        """The run has ended, well or not."""
        if self._showing:
            self._screen.close(f"{self.made} steps in {time.monotonic() - self._begin:.1f} s")
