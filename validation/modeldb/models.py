"""Which ModelDB models are tried, and how each is brought to the point where h.run() would start.

Nothing of them is in this project: `run.py` reads them from a folder that holds one folder for each id.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """id: of ModelDB. script: what is loaded, from `folder`. then: HOC statements after it, as a user would click.

    mods: folder of the mod files within the model (".": the model's own; "": none). tstop, dt (ms): forced on the run.
    """

    id: str
    script: str = "mosinit.hoc"
    then: str = ""
    folder: str = "."
    mods: str = "."
    tstop: float = 50.0
    dt: float = 0.025


MODELS = (
    Entry("101629", then="fig9b()", tstop=80.0),
    Entry("105385", then="loadfig9()", mods="mod"),
    Entry("106551"),
    Entry("108459", mods="mod", then="run()", tstop=1030.0),
    Entry("112359"),
    Entry("112685"),
    Entry("114394", then="run()", tstop=312.0),
    Entry("115356"),
    Entry("116862", then="{stdinit() continuerun(t + 30)}", tstop=100.0),
    # One pass of its runl() with Ih: the synapse in a dendrite, five events at 50 Hz.
    Entry("118098", then="{ghdd = ghd apical_dendrite[60] syn.loc(0.5) s.interval = 1000/freq run()}", tstop=200.0),
    Entry("119266", mods="mechanism", then="run()", tstop=200.0),
    Entry("120798"),
    Entry("123897", mods="mechanism", then="Pyramidal()"),
    Entry("125152"),
    Entry("126814", then="runglu20()", tstop=60.0),
    Entry("139653", script="Step_current_firing.hoc", folder="simulationcode", mods="mod"),
    Entry("144490"),
    Entry("144526", then="run()", tstop=530.0),
    Entry("145836", tstop=130.0),
    Entry("147578", then="{initsub() current_clamp() run()}", tstop=60.0),
    Entry("148094"),
    Entry("149739"),
    Entry("150240"),
    Entry("18198", then='restart("ampa")'),
    Entry("184732", then="{stdinit() continuerun(t + 100)}", tstop=200.0),
    Entry("187610", tstop=130.0),
    Entry("19696", then="{netp.start = 10 stdinit() continuerun(t + 50)}", tstop=70.0),
    Entry("206244", mods="mechanism"),
    Entry("2488", script="demofig1.hoc", then="fig1a()", tstop=60.0),
    Entry("256388", tstop=150.0),
    Entry(
        "2796",
        then="objref clamp\nsoma[5] clamp = new IClamp(0.5)\n"
        "{clamp.del = 5 clamp.dur = 2 clamp.amp = 1 stdinit() continuerun(30)}",
        tstop=90.0,
    ),
    Entry("3263", then="runb()"),
    Entry("32992"),
    Entry("3343", then='restart("Fdelta")'),
    Entry("3454"),
    Entry("3488", then="{stdinit() continuerun(t + 50)}", tstop=100.0),
    Entry("3509"),
    Entry("37857", then="{ic.del = 5 ic.dur = 100 ic.amp = 0.1 stdinit() continuerun(t + 50)}", tstop=100.0),
    Entry("3800"),
    Entry("3817", then='restart("demo_PY_RS")', tstop=350.0),
    Entry("43039"),
    Entry("55035"),
    Entry("64195", then='{restart("shortRun") stdinit() continuerun(t + 50)}', tstop=1000.0),
    Entry("7399"),
    Entry("8210"),
    Entry("82894", mods="mod"),
    Entry("84589", mods="mod"),
    Entry("87284"),
    Entry("87585", script="APthreshold.hoc"),
    Entry("9769", then="{stdinit() continuerun(t + 50)}", tstop=500.0),
    Entry("97868"),
    Entry("98017"),
    Entry("112834", mods=".", tstop=30.0),
    Entry("116491", script="ref_example.py", mods="", tstop=30.0),
    Entry("129149", mods="", tstop=30.0),
    Entry("135902", mods="mod", tstop=30.0),
    Entry("136095", mods=".", tstop=30.0),
    Entry("143719", folder="experiment", mods="experiment", tstop=30.0),
    Entry("3670", mods=".", tstop=30.0),
    Entry("50207", mods=".", tstop=30.0),
    Entry("50210", mods=".", tstop=30.0),
    Entry("52034", then="{stdinit() continuerun(t + 50)}", tstop=1000.0),
    Entry("62266", mods=".", tstop=30.0),
    Entry("8115", mods=".", tstop=30.0),
    Entry("93321", then="fig3topleft()", tstop=400.0),
    Entry("9849", mods="", tstop=30.0),
    Entry("20007"),
    Entry("20212", script="bpap.hoc", folder="experiment/spike-train-attenuation", mods="mechanism", tstop=100.0),
    Entry("83319", script="init.hoc", folder="NEURON/coba", mods="NEURON/coba", tstop=100.0),
    Entry("279", then='restart("tc3_cc")', tstop=530.0),
    Entry("7659", then="{distrx = new Vector() netd.start = 3 netp.start = 10 run()}"),
    Entry("87546"),
    Entry("98005", then="run()", tstop=100.0),
)
