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
    Entry("118098"),
    Entry("119266", mods="mechanism"),
    Entry("120798"),
    Entry("123897", mods="mechanism", then="Pyramidal()"),
    Entry("125152"),
    Entry("126814", then="{stim.amp = 0.5 stdinit() continuerun(t + 80)}", tstop=1000.0),
    Entry("139653", script="Step_current_firing.hoc", folder="simulationcode", mods="mod"),
    Entry("144490"),
    Entry("144526", then="run()", tstop=530.0),
    Entry("145836", tstop=130.0),
    Entry("147578", then="soma { current_clamp() run() }", tstop=60.0),
    Entry("148094"),
    Entry("149739"),
    Entry("150240"),
    Entry("18198", then='restart("ampa")'),
    Entry("184732", then="{stdinit() continuerun(t + 100)}", tstop=200.0),
    Entry("187610", tstop=20.0),
    Entry("19696", then="{netp.start = 10 stdinit() continuerun(t + 50)}", tstop=70.0),
    Entry("20212", mods="mechanism", folder="mechanism"),
    Entry("206244", mods="mechanism"),
    Entry("2488", script="demofig1.hoc", then="fig1a()", tstop=60.0),
    Entry("256388"),
    Entry("2796", then="{stdinit() continuerun(t + 60)}", tstop=90.0),
    Entry("3263"),
    Entry("32992"),
    Entry("3343", then='restart("Fdelta")'),
    Entry("3454"),
    Entry("3488", then="{stdinit() continuerun(t + 50)}", tstop=100.0),
    Entry("3509"),
    Entry("37857", then="{stdinit() continuerun(t + 50)}", tstop=100.0),
    Entry("3800"),
    Entry("3817", then='restart("demo_PY_RS")', tstop=350.0),
    Entry("43039"),
    Entry("55035"),
    Entry("64195", then='{restart("shortRun") stdinit() continuerun(t + 50)}', tstop=1000.0),
    Entry("7399"),
    Entry("8210"),
    Entry("82894", mods="mod"),
    Entry("83319", folder="NEURON", mods="NEURON"),
    Entry("84589", mods="mod"),
    Entry("87284"),
    Entry("87585"),
    Entry("9769", then="{stdinit() continuerun(t + 50)}", tstop=500.0),
    Entry("97868"),
    Entry("98017"),
    Entry("112834", mods=".", tstop=30.0),
    Entry("116491", mods="", tstop=30.0),
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
    Entry("93321", then="fig3topleft()", tstop=60.0),
    Entry("9849", mods="", tstop=30.0),
)
