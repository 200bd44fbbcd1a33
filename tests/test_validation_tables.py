"""docs/validation.md and the table of README.md hold what the results hold, and nothing else."""

import copy
import json

import numpy as np
import pytest

from validation import tables
from validation.scripts import table as scripts
from validation.scripts.compare import Ran, outcome, printed

DOCUMENT = {
    "date": "2031-02-03",
    "machine": "a machine",
    "versions": {"neuron": "9.9", "jax": "8.8"},
    "cases": {
        "good": {
            "segments": 41,
            "mechanisms": ["pas", "hh"],
            "max_dv_mV": 3.25e-11,
            "spikes_neuron_and_here": {"soma(0.5).v": [7, 7]},
            "seconds_neuron": 0.5,
            "seconds_here": 0.25,
        },
        "worse": {
            "segments": 3,
            "mechanisms": ["pas"],
            "max_dv_mV": 2e-9,
            "spikes_neuron_and_here": {"soma(0.5).v": [4, 5]},
            "seconds_neuron": 1.0,
            "seconds_here": 2.0,
        },
        "not": {"refused": ["not supported [U1]: a|b <script>\n    VERBATIM\n    ^"]},
    },
}
MODELS = {
    "date": "2031-02-03",
    "machine": "a machine",
    "versions": {"jax": "8.8"},
    "models": {
        "11": {
            "command": "nrn-diff validate a.hoc",
            "folder": ".",
            "segments": 41,
            "recorded": 3,
            "max_dv_mV": 3.25e-11,
            "largest_relative_difference": 1e-12,
            "range_mV": 100.0,
            "spikes_neuron_and_here": {"soma(0.5).v": [7, 7]},
            "derivatives": {"compared": 3, "largest_difference": 4.5e-8},
        },
        "12": {
            "no_derivatives": "init() is the user's",
            "command": "nrn-diff validate b.hoc",
            "folder": "sub",
            "segments": 2,
            "recorded": 1,
            "max_dv_mV": 0.0,
            "largest_relative_difference": 0.0,
            "range_mV": 0.1,
            "spikes_neuron_and_here": {},
            "idle": True,
        },
        "13": {"command": "", "folder": ".", "refused": ["no: a|b"], "refusals": 4},
        "14": {"command": "", "folder": ".", "failed": "does not compile"},
    },
}
SPEED = {
    "date": "2031-02-03",
    "machine": "a machine",
    "versions": {"jax": "8.8"},
    "model": {"segments": 310, "steps": 2000, "dt_ms": 0.025, "repeats": 7},
    "engines": {
        "neuron": {"forward_us_per_step": 33.3, "forward_first_s": 0.1, "peak_MiB": 60},
        "nrn_diff": {
            "forward_us_per_step": 11.1,
            "gradient_us_per_step": 44.4,
            "forward_first_s": 1.5,
            "gradient_first_s": 2.5,
            "peak_MiB": 400,
        },
    },
    "ratios": {"forward of NEURON / forward": 3.0, "gradient / forward": 4.0},
}
DEVICE = {
    "date": "2031-02-03",
    "machine": "a device",
    "versions": {"jax": "8.8"},
    "segments": 267,
    "steps": 8000,
    "max_dv_mV": 4e-9,
    "gradient_relative_difference_from_cpu": 2e-8,
    "single_forward_us_per_step": 189.1,
    "single_gradient_us_per_step": 555.6,
    "batches": [
        {"instances": 64, "forward_ns_per_step_and_instance": 2607.2, "gradient_ns_per_step_and_instance": 9613.4},
        {"instances": 4096, "forward_ns_per_step_and_instance": 131.9},
    ],
}


@pytest.fixture
def folder(tmp_path):
    for name, document in (("cells", DOCUMENT), ("speed", SPEED), ("device", DEVICE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"# Title of {name}\n\nWhat it\nis.\n\nMore.\n")
        (tmp_path / name / "results.json").write_text(json.dumps(document))
    return tmp_path


def test_every_figure_arrives(folder):
    text = tables.page(tables.read_results(folder), folder)
    for wanted in (
        "## Title of cells\n\nWhat it is.\n\na machine; neuron 9.9, jax 8.8; 2031-02-03.",
        "| good | 41 | 2 | 3.2e-11 | 7 / 7 | 0.500 / 0.250 |",
        "| worse | 3 | 1 | 2.0e-09 | 4 / 5 | 1.000 / 2.000 |",
        "- not: not supported [U1]: a/b &lt;script>\n",
        "310 segments, 2000 steps of 0.025 ms",
        "| neuron | 33.3 |  | 0.1 |  | 60.0 |",
        "| nrn_diff | 11.1 | 44.4 | 1.5 | 2.5 | 400.0 |",
        "| gradient / forward | 4.00 |",
        "267 segments, 8000 steps. Largest voltage difference from NEURON 4.0e-09 mV; largest relative difference",
        "| 1 | 189100 | 555600 |\n| 64 | 2607 | 9613 |\n| 4096 | 132 |  |",
    ):
        assert wanted in text, wanted
    assert "More." not in text


def test_the_summary_tells_the_worst_and_what_is_not_the_same(folder):
    text = tables.measured(tables.read_results(folder), folder)
    assert (
        "2 of 3 models run; largest voltage difference from NEURON 2.0e-09 mV; same number of spikes in 1 of 2" in text
    )
    assert (
        "| Title of speed | forward of NEURON / forward 3.00; gradient / forward 4.00 | a machine; jax 8.8; 20" in text
    )
    assert "| Title of device | largest voltage difference from NEURON 4.0e-09 mV; 4096 instances at once: 132" in text


def test_a_case_of_refusals_only_has_no_figures(folder):
    document = copy.deepcopy(DOCUMENT)
    document["cases"] = {"not": DOCUMENT["cases"]["not"]}
    assert "| 0 of 1 models run |" in tables.measured({"cells": document}, folder)


def test_results_of_an_unknown_shape_are_an_error_that_names_them(folder):
    with pytest.raises(ValueError, match=r"validation/cells/results\.json has none of"):
        tables.page({"cells": {"machine": "", "versions": {}, "date": ""}}, folder)


def test_the_table_replaces_the_old_one_and_nothing_else():
    readme = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n"
    once = tables.with_measured(readme, "| new |")
    assert once == f"before\n{tables.BEGIN}\n| new |\n{tables.END}\nafter\n"
    assert tables.with_measured(once, "| new |") == once
    with pytest.raises(ValueError, match="lacks"):
        tables.with_measured("no place for it", "| new |")


def test_page_and_readme_are_those_of_the_results():
    results = tables.read_results()
    hint = "out of date: run python -m validation.tables"
    assert tables.PAGE.read_text() == tables.page(results), hint
    readme = tables.README.read_text()
    assert readme == tables.with_measured(readme, tables.measured(results)), hint


def test_models_of_others_are_counted_by_what_became_of_them(tmp_path):
    folder = tmp_path / "modeldb"
    folder.mkdir()
    (folder / "README.md").write_text("# Models\n\nAbout.\n")
    (folder / "results.json").write_text(json.dumps(MODELS))
    results = tables.read_results(tmp_path)
    page = tables.page(results, tmp_path)
    assert "4 tried: 1 agree, 1 idle, 1 refused, 1 not run by NEURON" in page
    assert "3.2e-11 |" in page
    assert "0.0e+00 idle |" in page
    assert "- 13: no: a/b; and 3 more" in page
    assert "- 14: does not compile" in page
    assert "| 7 | 3: 4.5e-08 |" in page
    assert "- 12: init() is the user's" in page
    assert "largest voltage difference 3.2e-11 mV" in tables.measured(results, tmp_path)


def test_fits_count_what_failed_and_stop_at_success():
    from validation.l5pc.summary import genetic, ours

    line = [
        {"stage": "global", "seconds": 2.0, "going": 2, "best": [0.8, 1e9]},
        {"stage": "local", "seconds": 9.0, "going": 2, "best": [0.5, 2.0]},
        {"stage": "local", "seconds": 12.0, "going": 1, "best": [0.5, 0.7]},
    ]
    side = {"timeline": line, "draws": 16, "simulations_of_a_move": 9}
    tight = ours(side, 0.55)
    assert (tight.successes, tight.simulations, tight.gradients, tight.seconds) == (1, 32 + 27, 3, 12.0)
    assert ours(side, 0.9).seconds_per_success == 6.0
    run = [{"simulations": 10, "seconds": 3.0 * (k + 1), "best": best} for k, best in enumerate((4.0, 0.6, 0.3))]
    both = {"runs": [run, [{**generation, "best": 2.0} for generation in run]]}
    assert (genetic(both, 0.9).successes, genetic(both, 0.9).simulations, genetic(both, 0.9).seconds) == (1, 50, 15.0)
    text = tables._fits({"finished": False, "sides": {"nrn_diff, loss below 0.9": side, "genetic algorithm": both}})
    assert "| 0.9 | nrn_diff | 2 of 2 | 59 | 3 | 12.0 | 6.0 |" in text
    assert "| 0.9 | genetic algorithm | 1 of 2 | 50 | 0 | 15.0 | 15.0 |" in text
    assert "stopped before its end" in text


def test_scripts_differ_in_what_they_print_record_or_leave():
    state = {"v": np.array([1.0, 2.0]), "t at the end": np.array([5.0]), "voltages at the end": np.array([-65.0])}
    found = {"units": {"v": "mV", "t at the end": "", "voltages at the end": "mV"}, "runs": 1}
    theirs = Ran(0, ["a", "b"], found, state)
    same = outcome(theirs, Ran(0, ["a", "b"], found, {**state, "v": state["v"] + 1e-9}))
    assert "differs" not in same
    assert scripts.verdict(same) == "same"
    cases = {
        "exit status 0 in NEURON, 1 here": Ran(1, ["a", "b"], found, state),
        "prints, NEURON: b here: c": Ran(0, ["a", "c"], found, state),
        "prints, NEURON: (nothing) here: c": Ran(0, ["a", "b", "c"], found, state),
        "v: 0.001 mV": Ran(0, ["a", "b"], found, {**state, "v": state["v"] + [0, 1e-3]}),
        "voltages at the end: 1 mV": Ran(0, ["a", "b"], found, {**state, "voltages at the end": np.array([-64.0])}),
        "w: not in NEURON": Ran(0, ["a", "b"], found, {**state, "w": np.zeros(1)}),
    }
    for said, ours in cases.items():
        assert outcome(theirs, ours)["differs"] == [said]
    refused = outcome(theirs, Ran(1, ["x"], {"refused": ["a: b"]}, {}))
    assert scripts.verdict(refused) == "refused"
    document = {"scripts": {"share/demo/a.hoc": same, "share/demo/b.hoc": refused}}
    text = scripts.table(document)
    assert "2 scripts: 1 same with runs made here, 1 refused" in text
    assert "| `demo/a.hoc` | same | 2 | 1 | 1 | 1.0e-09 |" in text
    assert "- `demo/b.hoc`, refused: a: b" in text
    assert printed("at 0x7f12\n\nnrn_diff: said\n") == ["at 0x..."]
