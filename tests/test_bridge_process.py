"""Time grid, ions, order of mechanisms, and the refusal of everything in a process that a snapshot does not hold."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from neuron_process import run_function

GRIDS = [(0.025, 40, 10), (0.1, 40, 10), (0.0125, 40, 5), (0.01, 40, 5), (0.03, 10, 5.01), (0.025, 1, 3.3), (0.2, 5, 1)]


def grids(cases: list[list[float]]) -> list[dict[str, Any]]:
    from neuron import h

    from nrn_diff.bridge import capture_snapshot

    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    t = h.Vector().record(h._ref_t)
    out = []
    for dt, steps_per_ms, tstop in cases:
        h.dt, h.steps_per_ms, h.tstop = dt, steps_per_ms, tstop
        capture = capture_snapshot()
        given = capture_snapshot(tstop=2, dt=0.5)
        assert (h.dt, h.tstop) == (dt, tstop)
        h.run()
        steps, now = 0, 0.0
        while now < capture.tstop - capture.dt / 2:
            now = (now + capture.dt / 2) + capture.dt / 2
            steps += 1
        out.append(
            {"steps": steps, "dt": capture.dt, "t": np.asarray(t), "run_dt": h.dt, "given": [given.tstop, given.dt]}
        )
    del soma
    return out


def test_the_time_grid_is_that_of_run() -> None:
    for case, out in zip(GRIDS, run_function(grids, cases=GRIDS), strict=True):
        assert out["dt"] == out["run_dt"], case
        assert out["steps"] == len(out["t"]) - 1, case
        assert out["given"] == [2, 0.5]


def writer(name: str, ion: str) -> str:
    return f"""
NEURON {{ SUFFIX {name} USEION {ion} READ i{ion} WRITE {ion}i }}
ASSIGNED {{ i{ion} }}
STATE {{ {ion}i }}
BREAKPOINT {{ SOLVE s METHOD cnexp }}
INITIAL {{
    VERBATIM
    {{ FILE* f = fopen("order.txt", "a"); fprintf(f, "{name} "); fclose(f); }}
    ENDVERBATIM
}}
DERIVATIVE s {{ {ion}i' = -{ion}i }}
"""


def reader(name: str, use: str) -> str:
    return f"""
NEURON {{ SUFFIX {name} {use} }}
ASSIGNED {{ {re.sub(r"USEION|READ|VALENCE -?[0-9]|,|(?<= )[a-z]{{1,3}}(?= READ)", " ", use)} }}
INITIAL {{
    VERBATIM
    {{ FILE* f = fopen("order.txt", "a"); fprintf(f, "{name} "); fclose(f); }}
    ENDVERBATIM
}}
"""


ORDER_MODS = {
    "a_read.mod": reader("aread", "USEION ca READ cai"),
    "b_calc.mod": writer("bcalc", "ca"),
    "c_read.mod": reader("cread", "USEION zz READ zzi VALENCE 1"),
    "d_sod.mod": writer("dsod", "na"),
    "e_read.mod": reader("eread", "USEION na READ nai"),
    "f_zed.mod": writer("fzed", "zz"),
}


def order() -> dict[str, Any]:
    from pathlib import Path

    from neuron import h

    import mod_translator
    from nrn_diff.bridge.findings import Findings
    from nrn_diff.bridge.inventory import take_inventory
    from nrn_diff.bridge.translate import execution_rank

    soma = h.Section(name="soma")
    names = ["aread", "fzed", "eread", "dsod", "cread", "bcalc"]
    for name in names:
        soma.insert(name)
    inventory = take_inventory(Findings())
    assert inventory is not None
    lowered = {}
    for located in inventory.mechanisms:
        text = re.sub(r"VERBATIM.*?ENDVERBATIM", "", located.type.code, flags=re.DOTALL)
        mechanism, report = mod_translator.lower(text)
        assert mechanism is not None, str(report)
        lowered[located.type.name] = mechanism
    rank = execution_rank([d.type for d in (*inventory.mechanisms, *inventory.ions)], lowered)
    h.finitialize(-65)
    return {"neuron": Path("order.txt").read_text().split(), "rank": sorted(names, key=rank.__getitem__)}


def test_the_order_of_mechanisms_is_that_of_neurons_initial_blocks() -> None:
    out = run_function(order, mods=ORDER_MODS)
    assert out["rank"] == out["neuron"]
    assert out["neuron"] != sorted(out["neuron"])


POINT_WRITER = """
NEURON { POINT_PROCESS PumpIn USEION ca READ ica WRITE cai }
ASSIGNED { ica }
STATE { cai }
INITIAL { cai = 1e-4 }
BREAKPOINT { SOLVE s METHOD cnexp }
DERIVATIVE s { cai' = -cai }
"""
CA_READER = """
NEURON { SUFFIX caread USEION ca READ eca WRITE ica RANGE g }
PARAMETER { g = 1e-5 }
ASSIGNED { v eca ica }
BREAKPOINT { ica = g*(v - eca) }
"""


def ions() -> dict[str, Any]:
    import jax
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    dend, soma = h.Section(name="dend"), h.Section(name="soma")
    dend.nseg = 3
    dend.connect(soma(1), 1)
    for section in (dend, soma):
        section.insert("caread")
    soma.insert("hh")
    pump = h.PumpIn(dend(0.5))
    h.cai0_ca_ion = 3e-4
    before = [h.ion_style("ca_ion", sec=s) for s in (dend, soma)]
    capture = capture_snapshot(tstop=5)
    h.finitialize(-65)
    ca = {i.name: i for i in capture.ions}["ca"]
    out: dict[str, Any] = {
        "style": ca.style,
        "charge": ca.charge,
        "inside0": ca.inside0,
        "names": [i.name for i in capture.ions],
        "unchanged": before == [h.ion_style("ca_ion", sec=s) for s in (dend, soma)],
        # The Nernst potential is set by finitialize only where the style says so.
        "eca": [seg.eca for sec in h.allsec() for seg in sec],
    }
    # Set by hand in all of dend; the point process that comes later changes it again in its segment.
    h.ion_style("ca_ion", 1, 2, 0, 0, 0, sec=dend)
    late = h.PumpIn(dend(0.9))
    h.steps_per_ms, h.dt, h.tstop = 40, 0.025, 1.0
    for k, segment in enumerate(dend):
        segment.cai, segment.eca = 1e-3 * (k + 1), 90.0 + k
    recorded = [h.Vector().record(getattr(s, f"_ref_{n}")) for s in dend for n in ("v", "cai", "eca")]
    model = nrn_diff.capture()
    out["mixed"] = {i.name: i for i in model.capture.ions}["ca"].style
    got = model.simulate()
    h.finitialize(-65)
    h.continuerun(1.0)
    labels = [f"dend({s.x:g}).{n}" for s in dend for n in ("v", "cai", "eca")]
    out["far"] = max(
        float(np.abs(np.asarray(got[label]) / np.array(v) - 1).max()) for label, v in zip(labels, recorded, strict=True)
    )
    out["start"] = [np.array(v)[0] for v in recorded[2::3]]
    soma(0.5).cai = float("nan")
    soma(0.5).ena = float("inf")
    h.ion_style("ca_ion", 1, 2, 0, 0, 0, sec=soma)
    try:
        capture_snapshot(tstop=5)
    except CaptureError as error:
        out["refused"] = [[r.what, r.where] for r in error.refusals]
    del pump, late
    return out


@pytest.mark.long
def test_ion_style_is_known_for_each_segment() -> None:
    out = run_function(ions, mods={"pumpin.mod": POINT_WRITER, "caread.mod": CA_READER})
    assert out["names"] == ["na", "k", "ca"] or sorted(out["names"]) == ["ca", "k", "na"]
    assert (out["charge"], out["inside0"], out["unchanged"]) == (2, 3e-4, True)
    einit = (out["style"] & 0o40) != 0
    assert einit.tolist() == [False, True, False, False]
    assert (np.abs(np.array(out["eca"]) - 132.4579341637009) > 1).tolist() == einit.tolist()
    assert out["far"] < 1e-12
    assert out["start"][0] == 90.0  # of the style set by hand: finitialize leaves it
    assert abs(out["start"][2] - 92.0) > 1
    assert len(set(out["mixed"].tolist())) >= 3
    assert ["cai = nan", "soma(0.5), mechanism ca_ion"] in out["refused"]
    assert ["ena = inf", "soma(0.5), mechanism na_ion"] in out["refused"]


def _callback() -> None:
    raise AssertionError("a capture must not run the user's code")


def everything_at_once() -> dict[str, Any]:
    from neuron import h
    from neuron_state import fingerprint

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.bridge.inspect import inspect
    from nrn_diff.errors import CaptureError

    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    for name in ("pas", "extracellular", "fastpas"):
        soma.insert(name)
    keep = [h.FInitializeHandler("soma_ = 1")]
    h.CVode().active(1)
    h.ParallelContext().source_var(soma(0.5)._ref_v, 1, sec=soma)
    h.CVode().extra_scatter_gather(0, _callback)
    h("proc advance() { fadvance() celsius = 20 }")
    before = fingerprint()
    report = inspect(tstop=-1, dt=float("inf"))
    try:
        capture_snapshot(tstop=-1, dt=float("inf"))
        raise AssertionError("captured")
    except CaptureError as error:
        message, whats = str(error), [r.what for r in error.refusals]
    after = fingerprint()
    del keep
    return {
        "whats": whats,
        "message": message,
        "changed": [key for key in before if repr(before[key]) != repr(after[key])],
        "report": str(report),
        "supported": report.supported,
        "json": report.to_json(),
    }


def test_everything_that_is_not_represented_is_refused_at_once_and_neuron_is_untouched() -> None:
    out = run_function(everything_at_once)
    for what in (
        "CVODE is active",
        "FInitializeHandler",
        "ParallelContext.source_var / target_var",
        "CVode.extra_scatter_gather",
        "procedure advance() of stdrun.hoc is redefined",
        "fastpas",
        "tstop = -1",
        "dt = inf",
    ):
        assert what in out["whats"], what
        assert what in out["message"]
        assert what in out["report"]
    assert f"for {len(out['whats'])} reasons" in out["message"]
    assert out["changed"] == []
    assert out["supported"] is False


def handlers() -> dict[str, Any]:
    """What is said of FInitializeHandlers, HOC statements and Python functions, by what they do."""
    from neuron import h
    from neuron_state import fingerprint

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("hh")
    soma.insert("pas")
    soma(0.5).pas.g = 0.001
    stim, synapse, random = h.NetStim(), h.ExpSyn(soma(0.5)), h.Random()
    stim.noise = 1
    random.Random123(1, 2, 3)
    random.negexp(1)
    stim.noiseFromRandom(random)
    wire = h.NetCon(stim, synapse)
    wire.weight[0] = 0.001
    kept, seen = [], []
    h("runs = 0")
    h("proc count_runs() { runs = runs + 1  print runs }")

    def balance() -> None:
        soma(0.5).pas.e = soma(0.5).v + (soma(0.5).ina + soma(0.5).ik) / soma(0.5).pas.g

    def again() -> None:
        kept.append(h.Vector().record(soma(0.5)._ref_v))

    out: dict[str, Any] = {}
    for name, when, code in (
        ("counts", 3, "count_runs()"),
        ("looks", 0, lambda: seen.append(soma(0.5).v)),
        ("looks at the end", 2, lambda: seen.append(float(h.t))),
        ("sets v", 0, lambda: setattr(soma(0.5), "v", -70)),
        ("sets what is set", 1, lambda: setattr(soma(0.5).pas, "g", 0.001)),
        ("balances", 1, balance),
        ("records", 3, again),
        ("draws", 1, random.repick),
        ("sends", 2, lambda: wire.event(1)),
        ("fails", 1, "nothing_of_this_name()"),
    ):
        handler = h.FInitializeHandler(when, code)
        before = fingerprint()
        try:
            out[name] = next(note for note in capture_snapshot(tstop=1).notes if handler.hname() in note)[:-1]
        except CaptureError as error:
            out[name] = next(r.why for r in error.refusals if r.what == "FInitializeHandler")
        after = fingerprint()
        assert [key for key in before if repr(before[key]) != repr(after[key])] == [], name
        del handler
    out["seen"] = [seen, float(h.runs)]
    return out


def test_handlers_that_change_nothing_are_captured_and_others_refused() -> None:
    out = run_function(handlers)
    assert out.pop("seen") == [[], 0.0]
    for name, words in {
        "counts": "found to change nothing of the mode",
        "looks": "found to change nothing of the mode",
        "looks at the end": "found to change nothing of the mode",
        "sets v": "changes soma(0.5).v",
        "sets what is set": "changes soma(0.5).pas.g",
        "balances": "changes soma(0.5).pas.e",
        "records": "changes which Vectors",
        "draws": "changes where a Random stands",
        "sends": "changes what waits in NEURON's event queue",
        "fails": "cannot be found out",
    }.items():
        assert words in out.pop(name), (name, words)
    assert not out


def empty() -> list[list[str]]:
    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.bridge.inspect import inspect
    from nrn_diff.errors import CaptureError

    assert inspect().sections == 0
    try:
        capture_snapshot(tstop=5)
    except CaptureError as error:
        return [[r.what, r.remedy] for r in error.refusals]
    return []


def test_a_process_without_sections_is_one_clear_refusal() -> None:
    (refusal,) = run_function(empty)
    assert refusal[0] == "no sections"
    assert "build the model before capture" in refusal[1]


def procedures() -> list[Any]:
    from neuron import h

    from nrn_diff.bridge.stdrun import redefined_procedures

    found = [redefined_procedures()]
    h.load_file("stdrun.hoc")
    found.append(redefined_procedures())
    soma = h.Section("soma")
    h.cvode_active(1)
    h.run()  # NEURON writes into its code what it finds for cvode.event
    h.cvode_active(0)
    found.append(redefined_procedures())
    for text in (
        "proc init() { finitialize(v_init) }",
        "proc init() { finitialize(v_init + 1) }",
        "proc init() { finitialize(tstop) }",
        "proc setdt() { }",
        "proc continuerun() { while (t < $1) { advance() } }",
    ):
        h(text)
        found.append(redefined_procedures())
    h.run()
    found.append(bool(h.t >= h.tstop))
    del soma
    return found


def test_redefined_run_procedures_are_recognised_by_their_code() -> None:
    changed = ["init"], ["init"], ["setdt", "init"], ["setdt", "init", "continuerun"]
    assert run_function(procedures) == [[], [], [], [], *changed, True]


def left_by_the_variable_step():
    from neuron import h

    from nrn_diff import CaptureError
    from nrn_diff.bridge.capture import capture_snapshot

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    h.cvode_active(1)
    h.CVode().active(0)  # not through stdrun.hoc, which goes on counting steps as for the variable step
    try:
        capture_snapshot()
    except CaptureError as error:
        refused = [r.what for r in error.refusals]
    h.cvode_active(0)
    capture_snapshot()
    del soma
    return refused


def test_a_continuerun_that_counts_steps_as_for_the_variable_step_is_refused():
    assert run_function(left_by_the_variable_step) == ["using_cvode_ = 1 without CVODE"]
