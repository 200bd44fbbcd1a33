"""A redefined advance() is taken for NEURON's only if it does nothing but advance and draw."""

import pytest
from neuron_process import run_function

HARMLESS = {
    "drawing": "{\n fadvance()\n g.plot(t)\n g.flush()\n doNotify()\n}",
    "drawing first, printing": '{\n g.plot(t)\n fadvance()\n print t, 2*x - exp(x)\n g.begin()\n print "done"\n}',
    "through another procedure": "{ step_of_mine() g.flush() }",
    "reading a voltage": "{ fadvance() print soma.v(0.5) }",
}
HARMFUL = {
    "assigns": "{ fadvance() x = t }",
    "sets a range variable": "{ fadvance() soma.v(0.5) = -65 }",
    "does not advance": "{ g.plot(t) }",
    "advances twice": "{ fadvance() fadvance() }",
    "advances sometimes": "{ if (t < 3) fadvance() }",
    "calls what assigns": "{ fadvance() change() }",
    "calls a method that is not drawing": "{ fadvance() v1.append(t) }",
    "calls plot of something else": "{ fadvance() mine.plot(t) }",
    "calls itself": "{ fadvance() advance() }",
    "calls another built-in function": "{ fadvance() fcurrent() }",
}


def verdicts(bodies, procedure="advance"):
    from neuron import h

    from nrn_diff.bridge.stdrun import redefined_procedures

    h.load_file("stdrun.hoc")
    h("""
        begintemplate Mine
        public plot, where
        proc plot() { where = $1 }
        endtemplate Mine
        objref g, v1, mine
        create soma
        x = 1
        proc step_of_mine() { fadvance() }
        proc change() { x = x + 1 }
    """)
    h.g, h.v1, h.mine = h.Graph(0), h.Vector(), h.Mine()
    found = {}
    for name, body in bodies.items():
        assert h(f"proc {procedure}() {body}")
        found[name] = redefined_procedures()
    return found


@pytest.mark.long
@pytest.mark.parametrize(("bodies", "expected"), [(HARMLESS, []), (HARMFUL, ["advance"])])
def test_what_an_advance_of_ones_own_may_do(bodies, expected):
    found = run_function(verdicts, bodies=bodies)
    assert found == dict.fromkeys(bodies, expected)


def step_with_two_to_a_plot():
    from neuron import h

    h.load_file("stdrun.hoc")
    h.dt = h.dt / 2
    return verdicts({"drawing": HARMLESS["drawing"]}, "step")


def test_a_step_of_ones_own_is_neurons_where_it_advances_as_often():
    assert run_function(verdicts, bodies=HARMLESS, procedure="step") == {name: [] for name in HARMLESS}
    assert run_function(step_with_two_to_a_plot) == {"drawing": ["step"]}
