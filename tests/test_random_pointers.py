"""C code that draws random numbers from what a POINTER leads to: NEURON's own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from neuron_process import run_function

SYNAPSE = """
NEURON { THREADSAFE POINT_PROCESS Chance BBCOREPOINTER rng, times RANGE g, chance, sites, missed NONSPECIFIC_CURRENT i }
PARAMETER { chance = 0.5 sites = 3 }
ASSIGNED { v i rng times usingR123 idle missed }
STATE { g }
VERBATIM
#define RANDCAST (Rand*)
ENDVERBATIM
INITIAL {
    g = 0  idle = sites  missed = 0
VERBATIM
    if (usingR123) { nrnran123_setseq((nrnran123_State*)_p_rng, 0, 0); }
ENDVERBATIM
}
BREAKPOINT { SOLVE s METHOD cnexp i = g*v }
DERIVATIVE s { g' = -g/3 }
NET_RECEIVE (w, w2) {
    LOCAL r, got
    INITIAL {
        w2 = 1
VERBATIM
        IvocVect *vv = *((IvocVect**)(&_p_times));
        if (vv && vector_capacity(vv) >= 1) {
            double* x = vector_vec(vv);
            int k;
            for (k = 0; k < vector_capacity(vv); ++k) {
                double when = x[k];
ENDVERBATIM
                net_send(when, 1)
VERBATIM
            }
        }
ENDVERBATIM
    }
    if (flag == 1) {
VERBATIM
        return;
ENDVERBATIM
    }
    if (w <= 0) {
        missed = missed + 1
VERBATIM
        return;
ENDVERBATIM
    }
    FROM k = 0 TO (sites - idle - 1) {
        r = urand()
        if (r < 0.3) { idle = idle + 1 }
    }
    got = 0
    FROM k = 0 TO (idle - 1) {
        r = urand()
        if (r < chance) { got = got + 1  idle = idle - 1 }
    }
    g = g + w*got*w2
}
PROCEDURE setRNG() {
VERBATIM
    usingR123 = 0;
    if (ifarg(1) && hoc_is_double_arg(1)) {
        nrnran123_State** pv = (nrnran123_State**)(&_p_rng);
        *pv = nrnran123_newstream3((uint32_t)*getarg(1), (uint32_t)*getarg(2), (uint32_t)*getarg(3));
        usingR123 = 1;
    } else if (ifarg(1)) {
        void** pv = (void**)(&_p_rng);
        *pv = nrn_random_arg(1);
    }
ENDVERBATIM
}
FUNCTION urand() {
VERBATIM
    double value = 0.0;
    if ( usingR123 ) {
        value = nrnran123_dblpick((nrnran123_State*)_p_rng);
    } else if (_p_rng) {
        #ifndef CORENEURON_BUILD
        value = nrn_random_pick(RANDCAST _p_rng);
        #endif
    } else {
        value = 0.25;
    }
    _lurand = value;
ENDVERBATIM
}
VERBATIM
static void bbcore_write(double* x, int* d, int* xx, int* offset, _threadargsproto_) { *offset += 1; }
static void bbcore_read(double* x, int* d, int* xx, int* offset, _threadargsproto_) { *offset += 1; }
ENDVERBATIM
"""
CHANNEL = """
NEURON { THREADSAFE SUFFIX fluct POINTER r NONSPECIFIC_CURRENT i RANGE x, y, amp }
PARAMETER { amp = 0.002 }
ASSIGNED { v i x y r }
INITIAL { x = 0 y = 0 }
BREAKPOINT { SOLVE draw i = amp*x + 1e-4*(v + 60) }
PROCEDURE draw() { x = erand() y = brand(0.3, 4) }
FUNCTION erand() {
VERBATIM
    if (_p_r) {
        _lerand = nrn_random_pick((Rand*)_p_r);
    } else {
ENDVERBATIM
        erand = exprand(1)
VERBATIM
    }
ENDVERBATIM
}
FUNCTION brand(p, n) {
VERBATIM
    double value = 0.0;
    int k;
    for (k = 0; k < 3; k++) { if (erand(_threadargs_) < _lp) { value = value + 1; } }
    return(value);
ENDVERBATIM
    brand = value
}
PROCEDURE setr() {
VERBATIM
    void** pv = (void**)(&_p_r);
    *pv = ifarg(1) ? (void*)nrn_random_arg(1) : (void*)0;
ENDVERBATIM
}
"""
CELL = """
NEURON { THREADSAFE ARTIFICIAL_CELL Noisy RANGE interval, noise POINTER donotuse }
PARAMETER { interval = 2 noise = 1 }
ASSIGNED { donotuse }
INITIAL { net_send(invl(interval), 1) }
NET_RECEIVE (w) { if (flag == 1) { net_event(t) net_send(invl(interval), 1) } }
FUNCTION invl(mean) { invl = (1 - noise)*mean + noise*mean*erand() }
FUNCTION erand() {
VERBATIM
    if (_p_donotuse) {
        _lerand = nrn_random_pick((Rand*)_p_donotuse);
    } else {
        if (_nt != nrn_threads) { hoc_execerror("multithread random in NetStim", " only via hoc Random"); }
ENDVERBATIM
        erand = 1
VERBATIM
    }
ENDVERBATIM
}
PROCEDURE noiseFromRandom() {
VERBATIM
    void** pv = (void**)(&_p_donotuse);
    *pv = ifarg(1) ? (void*)nrn_random_arg(1) : (void*)0;
ENDVERBATIM
}
"""
MODS = {"chance.mod": SYNAPSE, "fluct.mod": CHANNEL, "noisy.mod": CELL}
# Generator and distribution of the Randoms of the channels, of the cells, and whether the synapses have Randoms.
ROUNDS = (
    (("Random123", "normal", (0.3, 2.0)), ("MCellRan4", "negexp", (0.4,)), True),
    (("MCellRan4", "normal", (0.0, 0.2)), ("Random123", "uniform", (0, 1)), False),
    (("MCellRan4", "discunif", (-1, 2)), ("MCellRan4", "uniform", (0, 1)), None),
)


def compared() -> dict[str, Any]:
    import tempfile
    from pathlib import Path

    import jax
    import neuron_models
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.Random().Random123_globalindex(3)
    h.mcell_ran4_init(8)
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.nseg = 3
    soma.insert("fluct")
    synapses = [h.Chance(soma(x)) for x in (0.1, 0.5, 0.9)]
    cells = [h.Noisy() for _ in range(3)]
    wires = [h.NetCon(c, s, 0, 0.3, 0.002) for c in cells for s in synapses]
    wires[0].weight[0] = 0
    references = [soma(0.5)._ref_v, soma(0.1).fluct._ref_x, soma(0.5).fluct._ref_y]
    references += [s._ref_g for s in synapses]
    vectors = [h.Vector().record(r) for r in references]
    h.tstop = 8
    kept: list[Any] = []

    def random(k: int, generator: str, law: str, arguments: tuple[float, ...]) -> Any:
        made = h.Random()
        ids = (k, 2, 3) if generator == "Random123" else (4294967290 + k % 6, k % 2)
        getattr(made, generator)(*ids)
        getattr(made, law)(*arguments)
        kept.append(made)
        return made

    out: dict[str, Any] = {"worst": [], "spread": []}
    for channel, cell, of_synapse in ROUNDS:
        for k, segment in enumerate(soma):
            segment.fluct.setr(random(k, *channel))
        cells[0].noiseFromRandom(random(9, *cell))
        for other in cells[1:]:
            other.noiseFromRandom(random(10, *cell) if other is cells[1] else kept[-1])  # one Random for two cells
        for k, synapse in enumerate(synapses):
            if of_synapse:
                synapse.setRNG(random(20 + k, "Random123", "uniform", (0, 1)))
            elif of_synapse is False:
                synapse.setRNG(11, k, 5)
        if of_synapse is None:
            synapses[1].setRNG()
            synapses[1].setRNG(4, 4, 4)
        model = nrn_diff.capture()
        out["worst"].append(max(neuron_models.compare_with_neuron(model, h)["worst"].values()))
        out["spread"].append([float(np.std(v)) for v in vectors])
    theta = model.parameters(nrn_diff.Param("amp_fluct", share="all"))
    label = "soma(0.5).v"
    out["gradient"] = float(jax.grad(lambda th: model.simulate(th)[label][-1])(theta)["amp_fluct"])
    ends = [float(model.simulate(theta.replace(amp_fluct=0.002 + d))[label][-1]) for d in (1e-7, -1e-7)]
    out["difference"] = (ends[0] - ends[1]) / 2e-7
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        again = nrn_diff.load(Path(folder) / "model").simulate()
        out["saved"] = float(np.abs(again[label] - model.simulate()[label]).max())
    shared = random(30, "Random123", "uniform", (0, 1))
    for segment in soma:
        segment.fluct.setr(shared)
    out["shared"] = str(nrn_diff.inspect())
    for segment in soma:
        segment.fluct.setr(random(31, "Random123", "poisson", (2,)))
    out["poisson"] = str(nrn_diff.inspect())
    return out


@pytest.mark.long
def test_numbers_that_c_code_draws_behind_a_pointer_are_neurons() -> None:
    out = run_function(compared, mods=MODS)
    assert max(out["worst"]) < 1e-9, out
    assert min(min(s) for s in out["spread"]) > 0, out["spread"]
    assert abs(out["gradient"] - out["difference"]) < 1e-6 * abs(out["difference"])
    assert out["saved"] == 0
    assert "draw from one Random" in out["shared"]
    assert "distribution Poisson" in out["poisson"]


def going_on(on: bool) -> dict[str, Any]:
    """Runs of enable(), from the middle too, and of NEURON in turn."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    h.load_file("stdrun.hoc")
    h.Random().Random123_globalindex(3)
    h.mcell_ran4_init(8)
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.nseg = 3
    soma.insert("fluct")
    synapses = [h.Chance(soma(x)) for x in (0.1, 0.5, 0.9)]
    cells, others = [h.Noisy() for _ in range(3)], [h.Old() for _ in range(2)]
    wires = [h.NetCon(c, s, 0, 0.3, 0.002) for c in (*cells, *others) for s in synapses]
    references = [soma(0.5)._ref_v, soma(0.1).fluct._ref_x, soma(0.5).fluct._ref_y, *(s._ref_g for s in synapses)]
    vectors = [h.Vector().record(r) for r in references]
    randoms = [h.Random() for _ in range(6)]
    for random in randoms[:4]:
        random.Random123(len(wires), 2, randoms.index(random))
        random.normal(0.3, 2.0)
    for random in randoms[4:]:
        random.MCellRan4(11, 1 + randoms.index(random))
        random.negexp(0.4)
    for k, segment in enumerate(soma):
        segment.fluct.setr(randoms[k])
        synapses[k].setRNG(11, k, 5)
    cells[0].noiseFromRandom(randoms[4])
    for cell in cells[1:]:
        cell.noiseFromRandom(randoms[5])
    h.tstop = 4
    if on:
        nrn_diff.enable()
    h.run()
    h.continuerun(6)
    for _ in range(20):
        h.fadvance()
    h.continuerun(8.025)
    seen = [*map(np.array, vectors)]
    # Both numbers of the polar method: one waits in a Random that draws normal ones.
    seen.append(np.array([[random.repick(), random.repick(), random.repick()] for random in randoms]))
    h.stdinit()
    h.continuerun(1)
    return {"seen": [*seen, *map(np.array, vectors)], "runs": runs_made()}


@pytest.mark.long
def test_streams_behind_pointers_go_on_in_runs_of_enable_and_in_neuron() -> None:
    theirs, ours = (run_function(going_on, mods={**MODS, "old.mod": OLD}, on=on) for on in (False, True))
    assert (theirs["runs"], ours["runs"]) == (0, 4)
    for mine, neurons in zip(ours["seen"], theirs["seen"], strict=True):
        np.testing.assert_allclose(mine, neurons, rtol=1e-8, atol=1e-8)
    assert all(np.std(v) > 0 for v in theirs["seen"])


OLD = """
NEURON { ARTIFICIAL_CELL Old RANGE interval, noise, seed }
PARAMETER { interval = 2 noise = 1 seed = 0 }
INITIAL { if (seed > 0) { set_seed(seed) } net_send(invl(interval), 1) }
NET_RECEIVE (w) { if (flag == 1) { net_event(t) net_send(invl(interval), 1) } }
FUNCTION invl(mean) {
    if (noise == 0) { invl = mean } else { invl = mean*exprand(1) + fabs(normrand(0, 0.3)) + scop_random()*poisrand(2) }
}
"""


def drawn_from_the_process() -> dict[str, Any]:
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.insert("pas")
    synapse = h.ExpSyn(soma(0.5))
    cells = [h.Old() for _ in range(3)]
    wires = [h.NetCon(c, synapse, 0, 0.3, 0.002 * (k + 1)) for k, c in enumerate(cells)]
    vector = h.Vector().record(soma(0.5)._ref_v)
    h.tstop = 12
    out: dict[str, Any] = {"worst": [], "ends": [], "kept": len(wires)}
    for seed in (0, 0, 4321):
        cells[0].seed = seed
        model = nrn_diff.capture()
        out["worst"].append(neuron_models.compare_with_neuron(model, h)["dv"])
        out["ends"].append(vector[-1])
    silent = h.Old()
    silent.noise = 0
    out["silent"] = str(nrn_diff.inspect())
    for cell in cells:
        cell.noise = cell.seed = 0
    out["no noise"] = nrn_diff.inspect().supported
    for cell in cells:
        cell.noise = 1
    h.use_mcell_ran4(1)
    out["ran4"] = str(nrn_diff.inspect())
    return out


@pytest.mark.long
def test_exprand_of_artificial_cells_goes_on_in_neurons_one_stream() -> None:
    out = run_function(drawn_from_the_process, mods={"old.mod": OLD})
    assert max(out["worst"]) < 1e-9, out
    assert len(set(out["ends"])) == 3, out["ends"]
    assert "drives no synapse, so that it is not run" in out["silent"]
    assert out["no noise"] is True
    assert "use_mcell_ran4" in out["ran4"]
