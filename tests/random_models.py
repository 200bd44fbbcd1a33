"""Models made at random: many kinds of mechanism, connection, play and record at once. One seed is one model."""

from __future__ import annotations

import numpy as np

DENSITY = [
    "pas",
    "hh",
    "tgate",
    "tcaghk",
    "tcapool",
    "tbuffer",
    "tcarry",
    "tfall",
    "thint",
    "tidle",
    "texits",
    "tkin",
    "tkinfree",
    "tlinear",
    "tmainen",
    "tmisc",
    "told",
    "tquad",
    "tstiff",
    "ttable",
    "tvcopy",
]


class RandomModel:
    """Built in the live process; what is not compiled in is left out. `what`: a word for each part."""

    def __init__(self, h, seed):
        self.h = h
        self.rng = rng = np.random.default_rng(seed)
        self.what, self.kept, self.points, self.wires, self.vectors = [], [], [], [], []
        h.tstop = float(rng.choice([5, 7.3, 4.01, 10]))
        h.dt, h.steps_per_ms = [(0.025, 40), (0.025, 40), (0.1, 10), (0.05, 20), (0.01, 100), (1 / 30, 30), (0.03, 33)][
            rng.integers(7)
        ]
        h.celsius = float(rng.choice([6.3, 20, 34, 37]))
        h.v_init = float(rng.choice([-65, -70.5, -60]))
        h.secondorder = int(rng.choice([0, 0, 0, 1, 2]))
        h.usetable_hh = int(rng.integers(2))
        self.what += [f"dt={h.dt:g}", f"so={h.secondorder}", f"c={h.celsius:g}"]
        self.trees()
        self.membrane()
        if rng.random() < 0.3:
            self.extracellular()
        for _ in range(rng.integers(1, 4)):
            self.stimulus()
        for _ in range(rng.integers(0, 4)):
            self.network()
        if rng.random() < 0.3 and hasattr(h, "HalfGap"):
            self.gaps()
        if rng.random() < 0.15 and h.secondorder == 0:
            self.circuit()
        if rng.random() < 0.3:
            self.ions()
        if rng.random() < 0.4:
            self.play()
        for _ in range(rng.integers(4, 12)):
            self.record()

    def p(self):
        return self.rng.random()

    def pick(self, xs):
        return xs[self.rng.integers(len(xs))]

    def known(self, *names):
        """Of these kinds of point process, those that there are."""
        return [name for name in names if hasattr(self.h, name)]

    def trees(self):
        h, rng = self.h, self.rng
        self.sections = []
        for tree in range(int(rng.choice([1, 1, 2, 3]))):
            mine = []
            for k in range(int(rng.integers(1, 6))):
                s = h.Section(f"s{tree}_{k}")
                s.nseg = int(rng.choice([1, 2, 3, 4, 7]))
                if self.p() < 0.3:
                    x, y, z, d = 0.0, 0.0, 0.0, rng.uniform(0.5, 6)
                    for _ in range(rng.integers(2, 7)):
                        h.pt3dadd(x, y, z, d, sec=s)
                        x += rng.uniform(5, 60)
                        y += rng.uniform(-20, 20)
                        d = max(0.3, d + rng.uniform(-1, 1))
                    if self.p() < 0.3:
                        s.nseg = int(rng.choice([1, 2, 5]))
                    self.what.append("3d")
                elif self.p() < 0.1:
                    s.L = s.diam = 1.0
                    s.nseg = 1
                    self.what.append("1um")
                else:
                    s.L, s.diam = rng.uniform(5, 300), rng.uniform(0.4, 20 if not k else 5)
                    if self.p() < 0.3:
                        for seg in s:
                            seg.diam *= rng.uniform(0.6, 1.5)
                s.Ra = rng.uniform(40, 250)
                if self.p() < 0.1:
                    s.rallbranch = 2
                if mine:
                    parent = self.pick(mine)
                    s.connect(parent(float(rng.choice([0, 1, 0.5, 0.3]))), int(rng.integers(2)))
                for seg in s:
                    seg.cm = rng.uniform(0.6, 2)
                if self.p() < 0.07:
                    s.cm = 1e-3
                    self.what.append("smallcm")
                mine.append(s)
            self.sections += mine

    def seg(self):
        s = self.pick(self.sections)
        return s(float(self.rng.choice([0, 1, 0.5, self.p()], p=[0.1, 0.1, 0.3, 0.5])))

    def mseg(self):
        s = self.pick(self.sections)
        return s(float(self.rng.uniform(0.01, 0.99)))

    def membrane(self):
        rng = self.rng
        chosen = list(rng.choice(DENSITY, size=rng.integers(1, 6), replace=False))
        for s in self.sections:
            s.insert("pas" if self.p() < 0.5 else "hh")
            for m in chosen:
                if self.p() < 0.6:
                    s.insert(m)
            for seg in s:
                if hasattr(seg, "pas"):
                    seg.pas.g = rng.uniform(5e-5, 5e-4)
                    seg.pas.e = rng.uniform(-75, -60)
                if hasattr(seg, "hh"):
                    seg.hh.gnabar = rng.uniform(0.08, 0.16)
        self.what += chosen

    def extracellular(self):
        rng = self.rng
        everywhere = self.p() < 0.5
        for s in self.sections:
            if everywhere or self.p() < 0.5:
                s.insert("extracellular")
                for seg in s:
                    for k in range(2):
                        seg.xraxial[k] = rng.uniform(1, 1e3) if self.p() < 0.8 else 1e9
                        seg.xg[k] = rng.uniform(1e-4, 10)
                        seg.xc[k] = rng.uniform(0, 1) * (self.p() < 0.5)
                    seg.e_extracellular = rng.uniform(-10, 10) * (self.p() < 0.5)
        self.what.append("ext" if everywhere else "ext-some")
        self.ext = [s for s in self.sections if s.has_membrane("extracellular")]

    def stimulus(self):
        h, rng = self.h, self.rng
        kind = self.pick(
            self.known("IClamp", "IClamp", "SEClamp", "VClamp", "OClamp", "AlphaSynapse", "APCount", "Elec")
        )
        x = getattr(h, kind)(self.seg())
        self.what.append(kind)
        if kind == "IClamp":
            x.delay, x.dur, x.amp = rng.uniform(0, 2), rng.uniform(0.3, 5), rng.uniform(0, 1.0)
        if kind == "SEClamp":
            x.dur1, x.amp1, x.dur2, x.amp2, x.rs = (
                rng.uniform(0, 2),
                -70,
                rng.uniform(0.5, 2),
                rng.uniform(-40, 10),
                rng.uniform(1, 50),
            )
        if kind == "VClamp":
            x.dur[0], x.amp[0], x.dur[1], x.amp[1] = rng.uniform(0.5, 2), -70, rng.uniform(0.5, 3), rng.uniform(-50, 0)
        if kind == "AlphaSynapse":
            x.onset, x.tau, x.gmax = rng.uniform(0, 3), rng.uniform(0.1, 2), rng.uniform(0, 0.05)
        if kind == "APCount":
            x.thresh = rng.uniform(-50, 0)
        if kind == "Elec":
            x.amp = rng.uniform(0, 0.5)
        self.points.append(x)

    def network(self):
        h, rng = self.h, self.rng
        target = getattr(h, self.pick(self.known("ExpSyn", "Exp2Syn", "ExpSyn", "Pulse", "Gate", "Detector")))(
            self.seg()
        )
        name = target.hname().split("[")[0]
        self.points.append(target)
        self.what.append(name)

        def wire(source, w=None, **k):
            nc = h.NetCon(source, target, **k)
            nc.delay = float(rng.choice([0, rng.uniform(0, 3), 1.0]))
            nc.weight[0] = rng.uniform(0, 0.02 if name != "Detector" else 1)
            self.wires.append(nc)
            return nc

        sources = ["stim", "noise", "fire1", "fire2", "fire4", "leaky", "volt", "volt", "var", "none"]
        kind = self.pick([k for k in sources if k != "leaky" or hasattr(h, "Leaky")])
        self.what.append(kind)
        if kind in ("stim", "noise"):
            s = h.NetStim()
            s.start, s.interval, s.number = rng.uniform(0, 2), rng.uniform(0.3, 3), 10
            if kind == "noise":
                s.noise = rng.uniform(0.3, 1)
                s.seed(int(rng.integers(1000)))
            wire(s)
            self.kept.append(s)
        elif kind in ("fire1", "fire2", "fire4", "leaky"):
            s = h.NetStim()
            s.start, s.interval, s.number = rng.uniform(0, 1), rng.uniform(0.2, 0.7), 40
            c = getattr(h, {"fire1": "IntFire1", "fire2": "IntFire2", "fire4": "IntFire4", "leaky": "Leaky"}[kind])()
            nc = h.NetCon(s, c)
            nc.weight[0] = rng.uniform(0.3, 1.5)
            nc.delay = rng.uniform(0, 1)
            if kind == "fire2":
                c.taum, c.taus, c.ib = 10, 20, rng.uniform(0, 2)
            self.wires.append(nc)
            self.kept += [s, c]
            wire(c)
            if self.p() < 0.4:
                sec = self.pick(self.sections)
                n2 = h.NetCon(sec(0.5)._ref_v, c, sec=sec)
                n2.weight[0] = 0.5
                n2.threshold = -30
                self.wires.append(n2)
            v = h.Vector()
            self.wires[-1].record(v)
            self.vectors.append(v)
        elif kind == "none":
            return
        elif kind == "volt":
            sec = self.pick(self.sections)
            nc = wire(sec(self.p())._ref_v, sec=sec)
            nc.threshold = rng.uniform(-60, 0)
            v = h.Vector()
            nc.record(v)
            self.vectors.append(v)
        elif kind == "var":
            self.pick(self.sections)
            hhs = [s for s in self.sections if s.has_membrane("hh")]
            if not hhs:
                return
            sec = self.pick(hhs)
            nc = wire(sec(0.5).hh._ref_n, sec=sec)
            nc.threshold = rng.uniform(0.3, 0.5)
        if self.p() < 0.3:
            sec = self.pick(self.sections)
            nc = wire(sec(0.5)._ref_v, sec=sec)
            nc.threshold = -20

    def gaps(self):
        h = self.h
        if self.p() < 0.5:
            a, b = self.mseg(), self.mseg()
            g, k = h.HalfGap(a), h.HalfGap(b)
            h.setpointer(b._ref_v, "vp", g)
            h.setpointer(a._ref_v, "vp", k)
            g.g = k.g = self.rng.uniform(0, 0.01)
            self.points += [g, k]
            self.what.append("gapP")
        else:
            pc = h.ParallelContext()
            a, b = self.mseg(), self.mseg()
            g, k = h.PcGap(a), h.PcGap(b)
            pc.source_var(a._ref_v, 1, sec=a.sec)
            pc.source_var(b._ref_v, 2, sec=b.sec)
            pc.target_var(g, g._ref_vgap, 2)
            pc.target_var(k, k._ref_vgap, 1)
            pc.setup_transfer()
            g.g = k.g = self.rng.uniform(0, 0.01)
            self.points += [g, k]
            self.what.append("gapT")
            self.kept.append(pc)

    def circuit(self):
        h, rng = self.h, self.rng
        n = int(rng.integers(1, 3))
        c, g = h.Matrix(n, n), h.Matrix(n, n)
        for i in range(n):
            g.setval(i, i, rng.uniform(0.001, 0.01))
            c.setval(i, i, rng.uniform(0, 0.01))
        if n == 2:
            g.setval(0, 1, -0.001)
            g.setval(1, 0, -0.001)
        y, b, y0 = h.Vector(n), h.Vector(n), h.Vector(n)
        b.x[0] = rng.uniform(-0.05, 0.05)
        s = self.pick(self.sections)
        sl = h.SectionList()
        sl.append(s)
        xl = h.Vector([0.5])
        lm = h.LinearMechanism(c, g, y, y0, b, sl, xl)
        self.kept += [c, g, y, b, y0, sl, xl, lm]
        self.what.append(f"lm{n}")

    def ions(self):
        h, rng = self.h, self.rng
        for s in self.sections:
            for ion in ("na", "k", "ca"):
                if s.has_membrane(f"{ion}_ion") and self.p() < 0.5:
                    if self.p() < 0.5:
                        h.ion_style(
                            f"{ion}_ion",
                            int(rng.choice([1, 2])),
                            int(rng.choice([1, 2])),
                            1,
                            int(rng.integers(2)),
                            1,
                            sec=s,
                        )
                    for seg in s:
                        if ion == "na":
                            seg.nai = rng.uniform(5, 15)
                            seg.ena = rng.uniform(40, 60)
                        if ion == "k":
                            seg.ki = rng.uniform(40, 60)
                            seg.ek = rng.uniform(-90, -70)
                        if ion == "ca":
                            seg.cai = rng.uniform(4e-5, 2e-4)
        if hasattr(h, "nai0_na_ion"):
            h.nai0_na_ion = rng.uniform(5, 15)
        if hasattr(h, "cai0_ca_ion"):
            h.cai0_ca_ion = rng.uniform(3e-5, 3e-4)
        self.what.append("ions")

    def play(self):
        h, rng = self.h, self.rng
        clamps = [p for p in self.points if p.hname().startswith("IClamp")]
        refs = [c._ref_amp for c in clamps]
        for s in self.sections:
            seg = s(self.p())
            if hasattr(seg, "hh"):
                refs += [seg.hh._ref_gnabar, seg.hh._ref_gkbar]
            if hasattr(seg, "pas"):
                refs += [seg.pas._ref_e]
            if s.has_membrane("extracellular"):
                refs += [s(0.5)._ref_e_extracellular]
        if not refs:
            return
        n = int(rng.integers(2, 30))
        lo, hi = (0.08, 0.15)
        y = h.Vector(rng.uniform(lo, hi, n))
        t = h.Vector(np.sort(rng.uniform(0, h.tstop, n)))
        how = self.pick(["step", "cont", "dt"])
        ref = self.pick(refs)
        if how == "dt":
            y.play(ref, float(rng.uniform(0.02, 1)))
        elif how == "cont":
            y.play(ref, t, 1)
        else:
            y.play(ref, t)
        self.kept += [y, t]
        self.what.append("play-" + how)

    def record(self):
        h, rng = self.h, self.rng
        seg = self.mseg()
        refs = [(seg, "v"), (seg, "v"), (seg, "i_cap")]
        for m in seg:
            if m.name().endswith("_ion"):
                n = m.name()[:-4]
                refs += [(seg, f"i{n}"), (seg, f"e{n}"), (seg, f"{n}i")]
            elif m.name() == "hh":
                refs += [(m, "m"), (m, "gna"), (m, "il")]
            elif m.name() == "pas":
                refs += [(m, "i")]
            elif m.name() in DENSITY:
                names = [
                    x
                    for x in dir(m)
                    if not x.startswith("_")
                    and x not in ("is_ion", "name", "segment", "suffix")
                    and x.endswith("_" + m.name()) is False
                ]
                names = [
                    x for x in names if not callable(getattr(m, x, None)) and isinstance(getattr(m, x, None), float)
                ]
                if names:
                    refs += [(m, self.pick(names))] * 2
            elif m.name() == "extracellular":
                refs += [(seg, "vext"), (seg, "vext"), (seg, "i_membrane"), (seg, "e_extracellular")]
        for p in self.points:
            for n in ("i", "g", "n", "x", "on", "vi"):
                if hasattr(p, n):
                    refs.append((p, n))
                    break
        owner, name = self.pick(refs)
        try:
            ref = getattr(owner, "_ref_" + name)
            if name == "vext":
                ref = ref[int(rng.integers(1))]
        except AttributeError:
            return
        v = h.Vector()
        how = self.p()
        if how < 0.75:
            v.record(ref)
        elif how < 0.9:
            v.record(ref, float(rng.uniform(0.02, 1)))
        else:
            t = h.Vector(np.sort(rng.uniform(0, h.tstop, 7)))
            v.record(ref, t)
            self.kept.append(t)
        self.vectors.append(v)
        self.what.append("rec:" + name)
