"""Artificial cells that read event times from a HOC Vector through a C pointer, as VecStim does, against NEURON."""

from __future__ import annotations

import pytest
from neuron_process import run_function

from mod_translator import check

HIDDEN = """
NEURON { ARTIFICIAL_CELL Replay }
ASSIGNED { at next (ms) hidden }
INITIAL { at = 0 take() if (at > 0) { net_send(next - t, 1) } }
NET_RECEIVE (w) { if (flag == 1) { net_event(t) take() if (at > 0) { net_send(next - t, 1) } } }
PROCEDURE take() {
VERBATIM
  void* times; int k; double* x;
  k = (int)at;
  if (k >= 0) {
    times = *((void**)(&hidden));
    if (times && k < vector_capacity(times)) { x = vector_vec(times); next = x[k]; at += 1.; }
    else { at = -1.; }
  }
ENDVERBATIM
}
PROCEDURE play() {
VERBATIM
  void** place = (void**)(&hidden);
  *place = ifarg(1) ? (void*)vector_arg(1) : (void*)0;
ENDVERBATIM
}
"""
POINTER = """
NEURON { THREADSAFE ARTIFICIAL_CELL Pointed BBCOREPOINTER store RANGE late }
PARAMETER { late = 0 (ms) }
ASSIGNED { store at next (ms) }
INITIAL { at = 0 if (take()) { net_send(next + late - t, 1) } net_send(3.3, 2) }
NET_RECEIVE (w) {
  if (flag == 1) { net_event(t) if (take()) { net_send(next + late - t, 1) } } else { net_send(3.3, 2) }
}
FUNCTION take() {
VERBATIM
  const int k = (int)at;
  IvocVect* const times = (IvocVect*)(_p_store);
  if (times == NULL || k < 0) return 0;
  if (k < vector_capacity(times)) { next = vector_vec(times)[k]; at += 1; return at; }
  at = -1;
  return 0;
ENDVERBATIM
}
PROCEDURE play() {
VERBATIM
  void** place = (void**)(&_p_store);
  *place = (void*)vector_arg(1);
ENDVERBATIM
}
VERBATIM
static void bbcore_write(double* x, int* d, int* xx, int* offset, _threadargsproto_) {}
static void bbcore_read(double* x, int* d, int* xx, int* offset, _threadargsproto_) {}
ENDVERBATIM
""".replace("next = vector_vec(times)[k];", "double* x = vector_vec(times); next = x[k];")

# The Vector behind a POINTER, which no HOC statement sets.
PLAIN = (
    HIDDEN.replace("ARTIFICIAL_CELL Replay", "ARTIFICIAL_CELL Plain POINTER hidden")
    .replace("*((void**)(&hidden))", "(void*)(_p_hidden)")
    .replace("(void**)(&hidden)", "(void**)(&_p_hidden)")
)


def against_neuron():
    """Worst voltage difference and spike trains, of capture(), of enable(), and after another Vector is played."""
    import jax
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop, h.dt = 30.0, 0.05
    cell = h.Section("cell")
    cell.L = cell.diam = 20.0
    cell.insert("hh")
    synapse = h.ExpSyn(cell(0.5))
    synapse.tau = 1.0
    first, second, empty, other = h.Vector([2.0, 9.01, 21.4]), h.Vector([4.4, 4.4, 13.0]), h.Vector(), h.Vector([6.0])
    sources = [h.Replay(), h.Pointed(), h.Replay(), h.Replay(), h.Pointed(), h.Replay(), h.Plain(), h.Plain()]
    for source, times in zip(sources, (first, second, empty, None, first, first, second, None), strict=True):
        if times is not None:
            source.play(times)
    sources[4].late = 3.25
    netcons = [h.NetCon(source, synapse, 0.0, 0.5 + 0.3 * k, 2e-3 + 5e-3 * k) for k, source in enumerate(sources)]
    spikes = [h.Vector() for _ in netcons]
    for netcon, times in zip(netcons, spikes, strict=True):
        netcon.record(times)
    v = h.Vector().record(cell(0.5)._ref_v)
    out = []
    for turn in range(2):
        if turn:
            sources[0].play(other)
        h.t = 0.0
        model = nrn_diff.capture()
        kept = [float(x) for x in first]
        h.run()
        want, sent = np.array(v), [np.array(s).tolist() for s in spikes]
        got = model.simulate(model.parameters())
        trains = [np.asarray(got.spike_times(s.hname())).tolist() for s in sources if len(sent[sources.index(s)])]
        with nrn_diff.enabled():
            h.run()
        again, resent = np.array(v), [np.array(s).tolist() for s in spikes]
        out.append(
            {
                "capture": float(np.abs(np.asarray(got["cell(0.5).v"]) - want).max()),
                "enable": float(np.abs(again - want).max()),
                "range": float(np.ptp(want)),
                "sent": sent,
                "resent": resent,
                "trains": trains,
                "kept": kept,
            }
        )
    return out


def unknown():
    """The refusal where user code puts something into the Vector when a run begins."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)

    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    synapse = h.ExpSyn(cell(0.5))
    source, times = h.Replay(), h.Vector([1.0])
    source.play(times)
    netcon = h.NetCon(source, synapse)
    h.tstop = 5
    handler = h.FInitializeHandler(lambda: times.append(2.0))
    try:
        nrn_diff.capture()
    except nrn_diff.CaptureError as error:
        return str(error), [netcon.weight[0], str(handler)]
    return "", []


def emptied(where):
    """A handler before INITIAL that fills the Vector once, and empties it from then on, in a run of enable()."""
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    synapse = h.ExpSyn(cell(0.5))
    source, times, calls = h.Replay(), h.Vector([1.0, 2.0]), []
    source.play(times)
    netcon = h.NetCon(source, synapse)

    def fill():
        calls.append(1)
        times.resize(0)
        if len(calls) == 1:
            times.append(1.0, 2.0)

    handler = h.FInitializeHandler(where, fill)
    h.tstop = 5
    nrn_diff.enable()
    try:
        h.run()
    except RuntimeError as error:
        return str(error), [netcon.weight[0], str(handler)]
    return "", []


@pytest.mark.long
def test_a_vector_that_a_handler_empties_when_asked_again_is_refused():
    assert "Vector of event times of Replay[0]" in run_function(emptied, mods={"replay.mod": HIDDEN}, where=0)[0]


@pytest.mark.long
def test_times_of_vectors_agree_with_neuron():
    out = run_function(against_neuron, mods={"replay.mod": HIDDEN, "pointed.mod": POINTER, "plain.mod": PLAIN})
    assert [len(s) for s in out[0]["sent"]] == [3, 3, 0, 0, 3, 3, 3, 0]
    assert out[1]["sent"][0] == [6.0]
    for found in out:
        assert found["range"] > 80
        assert found["capture"] < 1e-9
        assert found["enable"] < 1e-9
        assert found["resent"] == found["sent"]
        assert found["trains"] == [s for s in found["sent"] if s]
        assert found["kept"] == [2.0, 9.01, 21.4]


def test_a_vector_that_changes_in_finitialize_is_refused():
    message, _ = run_function(unknown, mods={"replay.mod": HIDDEN})
    assert "Replay[0]" in message or "FInitializeHandler" in message


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("ARTIFICIAL_CELL", "POINT_PROCESS", "a HOC Vector in a mechanism of the equations"),
        (
            "times = *((void**)(&hidden));",
            "times = *((void**)(&hidden)); times = *((void**)(&next));",
            "different things",
        ),
        ("times = *", "void* none = (void*)0; if (k > 2) { none = *((void**)(&next)); } times = *", "different things"),
        ("next = x[k]", "double* y = &at; next = *y", "a pointer"),
        ("next = x[k]", "x[k] = next", "x, which is no variable"),
        ("times = *((void**)(&hidden))", "times = (void*)malloc(3)", "a pointer, an array or a structure"),
    ],
)
def test_other_pointers_are_refused(old, new, reason):
    errors = check(HIDDEN.replace(old, new)).errors
    assert any(e.code == "U158" and reason in e.reason for e in errors), errors
