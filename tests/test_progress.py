"""What runs of enable() show while they take long: on a terminal, in a notebook, and that it is little."""

import io
import sys
import types

import pytest
from neuron_process import run_function

from nrn_diff.plugin.progress import Notebook, Nowhere, Progress, Terminal, screen


class Tty(io.StringIO):
    writes = 0

    def isatty(self):
        return True

    def write(self, text):
        self.writes += 1
        return super().write(text)


def million(on, after_s=0.0):
    progress = Progress(on, after_s)
    progress.left = 1_000_000
    for done in range(progress.left):
        progress.at(done + 1)
    progress.made, progress.left = progress.left, 0
    progress.close()


def test_a_terminal_gets_one_line_that_is_gone_at_the_end():
    stream = Tty()
    million(Terminal(stream))
    assert "nrn_diff: 42 % of 1000000 steps" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")
    assert "\n" not in stream.getvalue()
    assert stream.writes < 300  # at most one line for each percent: no cost, whatever the number of steps


def test_short_runs_say_only_that_they_compile():
    stream = Tty()
    million(Terminal(stream), after_s=1e9)
    assert stream.getvalue() == ""
    progress = Progress(Terminal(stream), after_s=1e9)
    progress.say("compiling")
    progress.close()
    assert "compiling" in stream.getvalue()


class Output:
    def __init__(self):
        self.contents = []

    def display(self, content, display_id):
        self.contents.append(content)
        return self

    def update(self, content):
        self.contents.append(content)


@pytest.fixture
def notebook(monkeypatch):
    output, shell = Output(), types.SimpleNamespace(kernel=object())
    shown = types.SimpleNamespace(HTML=str, display=output.display)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell, display=shown))
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    return output


def test_a_notebook_gets_a_bar_in_one_output(notebook):
    on = screen()
    assert isinstance(on, Notebook)
    million(on)
    assert len(notebook.contents) <= 102
    assert '<progress max="1" value="0.42"' in notebook.contents[42]
    assert "<progress" not in notebook.contents[-1]
    assert "1000000 steps in" in notebook.contents[-1]


def test_ipython_on_a_terminal_is_a_terminal(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=object))
    monkeypatch.setattr(sys, "stderr", Tty())
    assert isinstance(screen(), Terminal)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(screen(), Nowhere)


def shown_by_runs():
    import sys

    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import progress

    h.load_file("stdrun.hoc")
    progress._AFTER_S, progress.Progress.__init__.__defaults__ = 0.0, (0.0,)
    soma = h.Section("soma")
    soma.insert("hh")
    kept = h.Vector().record(soma(0.5)._ref_v)
    h.tstop = 2
    nrn_diff.enable()
    pieces = h.FInitializeHandler(lambda: h.CVode().event(1, lambda: None))
    shown, error = [], sys.stderr
    for _ in range(2):
        sys.stderr = Tty()
        h.run()
        shown.append(sys.stderr.getvalue())
        sys.stderr = error
    return {"shown": shown, "n": (len(kept), pieces is None)}


def test_runs_say_what_they_do():
    first, second = run_function(shown_by_runs)["shown"]
    assert first.index("reading the model") < first.index("compiling") < first.index("100 % of 80 steps")
    assert "compiling" not in second
    assert "reading" not in second
    assert second.count("100 %") == 1
