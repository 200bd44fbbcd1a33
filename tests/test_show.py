"""What a notebook shows."""

from html.parser import HTMLParser

import jax.numpy as jnp
import numpy as np
from neuron_process import run_function

from nrn_diff import Param, Parameters, Recording, show
from nrn_diff.fitting import FitResult


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text = [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


def test_parameters_recordings_and_results_are_tables():
    theta = Parameters({"g<b>": jnp.asarray([1.0, 3.0])}, (Param("g<b>", bounds=(0, 5)),))
    page = Balanced(theta._repr_html_()).text
    assert all(word in page for word in ("g<b>", "(2,), 1 to 3", "0 to 5"))
    recording = Recording(np.arange(5.0), {"soma(0.5).v": np.arange(5.0), "t": np.arange(5.0)})
    html = recording._repr_html_()
    assert "(5,), 0 to 4" in Balanced(html).text
    assert html.count("<iframe") == 1
    batch = Recording(np.zeros((2, 5)), {"soma(0.5).v": np.zeros((2, 5))})
    assert "<iframe" not in batch._repr_html_()
    result = FitResult(dict(theta), 0.5, np.array([2.0, 0.5]), 2, 1.0, "all steps were made")
    assert "loss 2 -> 0.5 in 2 steps" in Balanced(result._repr_html_()).text


def test_long_tables_are_cut():
    assert "and 60 more" in Balanced(show.table(("n",), [(str(k),) for k in range(100)])).text


def pages():
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("hh")
    v = h.Vector().record(soma(0.5)._ref_v)
    model = nrn_diff.capture(tstop=1)
    out = {"model": model._repr_html_(), "repr": repr(model), "report": nrn_diff.inspect()._repr_html_(), "n": len(v)}
    many = [h.IClamp(soma(0.5)) for _ in range(2)] + [h.Section(f"dend{k}") for k in range(2)]
    h.CVode().active(1)
    refused = nrn_diff.inspect()
    out |= {"refused": refused._repr_html_(), "text": str(refused), "kept": len(many)}
    return out


def test_models_and_reports_say_what_is_in_them():
    found = run_function(pages, env={"JAX_ENABLE_X64": "1"})
    for page in (Balanced(found["model"]).text, Balanced(found["report"]).text, found["repr"]):
        assert "hh" in page
    assert "gnabar_hh" in found["model"]
    assert "Everything is supported" in found["report"]
    assert len(found["repr"]) < 300
    assert "CVODE" in Balanced(found["refused"]).text.partition("sections, segments")[0]
    assert max(map(len, found["text"].partition("Not supported")[0].splitlines())) <= 100
