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
    Entry(
        "3493",
        then="{gbar_namot = 0.0003 vc.amp1 = -120 vc.dur1 = 2 vc.amp2 = -20 vc.dur2 = 100 stdinit() continuerun(20)}",
        tstop=50.0,
    ),
    Entry(
        "3533",
        then="{gbar_cat = 0.007 vc.amp1 = 0 vc.dur1 = 2 vc.amp2 = 40 vc.dur2 = 100 stdinit() continuerun(60)}",
        tstop=100.0,
    ),
    Entry(
        "3660",
        then="{gbar_kasup = 0.0002 gbar_kdrsup = 0.0002 vc.amp1 = -80 vc.dur1 = 2 vc.amp2 = 10 "
        "vc.dur2 = 100 stdinit() continuerun(60)}",
        tstop=100.0,
    ),
    Entry(
        "3665",
        then="{ic.del = 2 ic.dur = 150 ic.amp = -0.05 ghbar_hpg = 0.0004 stdinit() continuerun(200)}",
        tstop=300.0,
    ),
    Entry(
        "3684",
        then="{ic.del = 2 ic.dur = 150 ic.amp = -0.05 ghbar_htc = 0.0004 stdinit() continuerun(200)}",
        tstop=300.0,
    ),
    Entry(
        "3802",
        then="{gbar_kx = 0.0015 vc.amp1 = -30 vc.dur1 = 10 vc.amp2 = -60 vc.dur2 = 100 vc.amp3 = "
        "-30 vc.dur3 = 100 stdinit() continuerun(200)}",
        tstop=300.0,
    ),
    Entry("3815", then="{run_fig1c() run()}", tstop=300.0),
    Entry(
        "8284",
        then="objref rv, ra\ncell = new HTCell()\nrv = new Vector()\nra = new Vector()\ncell.soma rv.record(&v(0.5))\n"
        "cell.adend3 ra.record(&v(0.5))\naccess cell.soma\nrun()",
        tstop=450.0,
    ),
    Entry("18502", then='restart("ltp_two")', tstop=50.0),
    Entry("18738", mods="", tstop=25.0),
    Entry("20014", then="{Main(1) run()}", tstop=50.0),
    Entry("26997", then="{fig1a() run()}", tstop=100.0),
    Entry("28316", tstop=150.0),
    Entry("37856", then="run()", tstop=100.0),
    Entry("44050", then="runa()", tstop=20.0),
    Entry("53893", then='{restart("fig3") run()}', tstop=200.0),
    Entry("54903", then='{load_file("Fig6-B.ses") run()}', tstop=100.0),
    Entry("60136", then="run()", tstop=450.0, dt=0.05),
    Entry("64259", then="run()", tstop=200.0),
    Entry("82364", then="burst_50()", tstop=300.0),
    Entry("82849", then='load_file("fig2A.hoc")', tstop=200.0),
    Entry(
        "83344",
        mods="mod",
        then="{st.amp = 1.9 st.del = 5 syn.onset = 7 finitialize(v_init) continuerun(60)}",
        tstop=100.0,
    ),
    Entry("87535", then="runm()", tstop=150.0),
    Entry("87558", then='{xopen("fig9a.hoc") xopen("fig9.hoc")}', tstop=100.0),
    Entry("93326", then="{stimdelay = 20 stimrate = 50 stimduration = 200 run()}", tstop=300.0),
    Entry("94321", mods="mechanisms", then="{run() continuerun(t + 100)}", tstop=200.0),
    Entry("97860", mods="mod", then="run()", tstop=300.0),
    Entry("112546", then="runi()", tstop=150.0),
    Entry("136176", then="run()", tstop=100.0),
    Entry(
        "144976",
        then="{seed = 100 seeda = 170 seedb = 175 seedc = 180 seedd = 190 amp = 0 riagg = 0 superrun()}",
        tstop=200.0,
    ),
    Entry("113732", then="{suprathresh() run()}", tstop=100.0),
    Entry("267499", script="init.hoc", then="run()", tstop=200.0),
    Entry("64296", then="fig7A()", tstop=200.0),
    Entry("39949", script="fig7a.hoc", tstop=300.0),
    Entry("108458", mods="mod", then="{stdinit() continuerun(1050)}", tstop=1100.0),
    Entry("53965", folder="Cav32_WT", mods="Cav32_WT", then='{restart("re3_cc") run()}', tstop=400.0),
    Entry("3434", tstop=50.0),
    Entry("3658", then="{glubes2D() run()}", tstop=100.0),
    Entry("3682", tstop=50.0),
    Entry("50391", mods="", tstop=60.0),
    Entry("50997", then='{restart("makefig7")}', tstop=20.0),
    Entry(
        "87454",
        folder="NEURON_Chopper_Network_Simulation",
        mods="NEURON_Chopper_Network_Simulation",
        then="{ncur = 3 runhere()}",
        tstop=100.0,
    ),
    Entry(
        "114359",
        mods="mod",
        then="objref ic\nsoma ic = new IClamp(0.5)\n{ic.del = 5 ic.dur = 20 ic.amp = 20 run()}",
        tstop=30.0,
    ),
    Entry("258643", script="da.hoc", mods="mechanisms", then="run()", tstop=100.0),
    Entry("93398", mods="", then='restart("shortRun")', tstop=100.0),
    Entry("95960", then="fig7de()", tstop=100.0),
    Entry("125689", folder="Neuron2009", mods="Neuron2009", then="run()", tstop=12.0),
    Entry(
        "187615",
        script="myrun.hoc",
        folder="almog",
        mods="almog",
        then="objref ic\naccess a_soma\na_soma ic = new IClamp(0.5)\n{ic.del = 385 ic.dur = 30 "
        "ic.amp = 1 stdinit() continuerun(t + 50)}",
        tstop=500.0,
    ),
    Entry("240960", script="startCC.hoc", folder="SimpleModel", mods="SimpleModel", tstop=100.0),
    Entry(
        "267618",
        script="AFibreBuilder.hoc",
        folder="nerve",
        mods="mod",
        then="objref fibre, stim\nfibre = new AFibreBuilder(0, 0, 0)\naccess fibre.node[0]\nstim = new IClamp(0.5)\n"
        "{stim.del = 5 stim.dur = 0.1 stim.amp = 1 v_init = -80 run()}",
        tstop=20.0,
    ),
    Entry(
        "147460",
        script="anat_type9.hoc",
        folder="Pyramidal/NEURON_code",
        mods="Pyramidal/NEURON_code",
        then='load_file("interpxyz.hoc")\nload_file("setpointers.hoc")\nload_file("rigc.ses")\nload_file("field.hoc")\n'
        'load_file("calcrxc.hoc")\nload_file("stim.hoc")\nsetelec(50, 50, 0)\nsetstim(5, 0.2, -0.1)\nrun()',
        tstop=20.0,
    ),
    Entry(
        "33728",
        mods="",
        then='create soma\naccess soma\nobjref cells, nil, nc[3], tv[3]\ncells = new List("IntFire1")\n'
        "for i = 0, 2 {tv[i] = new Vector() nc[i] = new NetCon(cells.o(i), nil) nc[i].record(tv[i])}\nrun()",
        tstop=200.0,
    ),
    Entry("141272", folder="HH_model/Neuron", mods="HH_model/Neuron", then="do()", tstop=50.0),
    Entry(
        "87473",
        script="modelAII.hoc",
        folder="model",
        mods="model",
        then='load_file("biophys_params.hoc")\nload_file("numerics.hoc")\nxopen("Vrun.ses")\nrun()',
        tstop=100.0,
    ),
    Entry(
        "237595",
        script="tempSomogyi1.hoc",
        folder="Multicompartmental_Biophysical_models/experiment",
        mods="Multicompartmental_Biophysical_models/mechanism",
        then='objref FSdetailedtemplate, ic_new\nFSdetailedtemplate = new FScell("Somogyi_1.hoc")\n'
        'v_init = -68\nxopen("../bash_templates/current_balance_fs.hoc")\ncurrent_balanceFS(-68)\n'
        "FSdetailedtemplate.soma ic_new = new IClamp(0.5)\n{ic_new.del = 5 ic_new.dur = 30 ic_new.amp = 0.4 run()}",
        tstop=12.0,
    ),
    Entry("19176", then="{stim[1].del = 10 stim[1].dur = 100 stim[1].amp = -0.05 run()}", tstop=200.0),
    Entry("231427", script="create_data_for_figure_01.py", tstop=150.0),
    Entry("51781", script="testnet.hoc", tstop=50.0),
    Entry("64216", script="ConeLRNewH.hoc", tstop=300.0),
    Entry("144401", then="run()", tstop=15.0),
    Entry("83547", then="run()", tstop=200.0),
    Entry("37819", then="run()", tstop=100.0),
    Entry("186768", script="run.py", then="run()", tstop=50.0),
    Entry("140881", then="run()", tstop=100.0),
    Entry("125857", then='{restart("2FRB") run()}', tstop=20.0),
    Entry("127388", then="run_sim()"),
    Entry("135787", then='load_file("best_full_axon_spike_init.hoc")\nsoma_inj()', tstop=10.0),
    Entry("135838", then="run()", tstop=3.0, dt=0.002),
    Entry("138379", then="{mytstop = 100 tstop = mytstop finish_run()}", tstop=100.0),
    Entry("139657", then="myrun(NetStim[0].interval = 20)", tstop=200.0),
    Entry("144392", then="runii()", tstop=200.0),
    Entry("144482", mods="mechanism/mechanism_cell1", then="run()"),
    Entry("146509", then="{dend[2] syn.loc(ed) nc = new NetCon(si, syn, 0, 0, 0.015) run()}", tstop=20.0),
    Entry("147538", then="run()"),
)
