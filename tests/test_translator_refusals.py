"""Every refusal: what is refused, by which code, and that the caret stands at the right place ($ in the texts)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mod_translator
from mod_translator.errors import Place, SemanticError, TranslationErrors, UnsupportedConstruct
from mod_translator.report import Collector
from mod_translator.syntax.expressions import Expressions
from mod_translator.syntax.source import Source

X = "NEURON { SUFFIX x RANGE a }\nASSIGNED { v a b arr[3] }\nSTATE { m n }\nPARAMETER { p = 1 }\n"
P = "NEURON { POINT_PROCESS x RANGE a NONSPECIFIC_CURRENT i }\nASSIGNED { v a i }\nPARAMETER { p = 1 }\n"
INITIAL = X + "INITIAL { %s }\n"
SOLVED = X + "BREAKPOINT { SOLVE s METHOD cnexp }\nDERIVATIVE s { %s }\n"
CALLED = X + "INITIAL { f(1) }\n%s\n"
KINETIC = X + "BREAKPOINT { SOLVE s METHOD sparse }\nKINETIC $s { %s }\n"
LINEAR = X + "INITIAL { SOLVE s }\nLINEAR $s { %s }\n"
EVENT = P + "BREAKPOINT { i = v }\nNET_RECEIVE (w) { %s }\n"

SEMANTIC = {
    "S101": "NEURON { RANGE a }\nASSIGNED { a }\n",
    "S118": INITIAL % "a = $1e400",
    "S120": "NEURON { SUFFIX x USEION na READ ena USEION $na WRITE ina }\n",
    "S121": "NEURON { SUFFIX x USEION na READ $ek }\n",
    "S122": "NEURON { SUFFIX x }\nUNITS { $F = (nothing) (coulomb) }\n",
    "S123": "NEURON { SUFFIX x }\nPARAMETER { a = 1 }\nASSIGNED { $a }\n",
    "S125": "NEURON { SUFFIX x GLOBAL $a }\n",
    "S126": "NEURON { SUFFIX x NONSPECIFIC_CURRENT $i }\n",
    "S127": X + "FUNCTION f(x) { f = x }\nFUNCTION $f(x) { f = x }\n",
    "S128": X + "FUNCTION $a(x) { a = x }\n",
    "S129": INITIAL % "$celsius = 3",
    "S130": "NEURON { SUFFIX x }\nCONSTANT { c = 1 }\nINITIAL { $c = 2 }\n",
    "S131": INITIAL % "a = $b[0]",
    "S132": X + "INITIAL { a = $f }\nFUNCTION f() { f = 1 }\n",
    "S133": INITIAL % "a = b + 2*$nobody",
    "S134": "NEURON { SUFFIX x RANDOM r }\nASSIGNED { a }\nINITIAL { a = random_uniform(r) + f($r) }\n"
    "FUNCTION f(x) { f = x }\n",
    "S135": INITIAL % "a = $arr",
    "S136": INITIAL % "$arr[3] = 1",
    "S137": INITIAL % "a = $min(b)",
    "S138": X + "INITIAL { a = $d(1) }\nDISCRETE d { b = 1 }\n",
    "S139": "NEURON { SUFFIX x }\nASSIGNED { a }\nINITIAL { a = $random_uniform(1) }\n",
    "S140": INITIAL % "a = $exp(1, 2)",
    "S141": CALLED % "PROCEDURE $f(x, x) { a = x }",
    "S142": CALLED % "PROCEDURE f(x) { TABLE a, $c FROM 0 TO 1 WITH 10 a = x }",
    "S143": CALLED % "PROCEDURE $f(x) { TABLE a FROM 0 TO 1 WITH 10 TABLE b FROM 0 TO 1 WITH 10 a = x b = x }",
    "S144": X + "INITIAL { f(1, 2) }\nPROCEDURE $f(x, y) { TABLE a FROM 0 TO 1 WITH 10 a = x }\n",
    "S145": CALLED % "FUNCTION $f(x) { TABLE a FROM 0 TO 1 WITH 10 f = x }",
    "S146": CALLED % "PROCEDURE $f(x) { TABLE FROM 0 TO 1 WITH 10 a = x }",
    "S147": X + "BREAKPOINT { TABLE a FROM $p TO 1 WITH 10 a = v }\n",
    "S148": X + "LINEAR l { ~ m = 1 }\nINITIAL { ~ $m = 1 }\n",
    "S149": X + "KINETIC k { ~ m <-> n (1, 1) }\nINITIAL { ~ $m <-> n (1, 1) }\n",
    "S150": INITIAL % "COMPARTMENT p { m }",
    "S151": INITIAL % "$m' = 1",
    "S191": INITIAL % "a = $p@1",
    "S152": SOLVED % "$a' = 1",
    "S153": INITIAL % "FROM $i = 0 TO 3 BY 0 { a = i }",
    "S154": X + "INITIAL { $s() }\nKINETIC s { ~ m <-> n (1, 1) }\n",
    "S155": P + "BREAKPOINT { i = v $net_send(1, 2) }\n",
    "S156": SOLVED % "$m' = -m*p^2",
    "S157": X + "INITIAL { CONDUCTANCE $a }\n",
    "S158": X + "BREAKPOINT { CONDUCTANCE a USEION $na a = v }\n",
    "S159": X + "BREAKPOINT { LOCAL l[2] CONDUCTANCE $l a = v }\n",
    "S160": X + "BREAKPOINT { SOLVE $nothing METHOD cnexp }\n",
    "S161": X + "BREAKPOINT { SOLVE $s METHOD sparse }\nDERIVATIVE s { m' = -m }\n",
    "S162": X + "BREAKPOINT { SOLVE $f }\nPROCEDURE f(x) { a = x }\n",
    "S163": X + "BREAKPOINT { SOLVE s METHOD cnexp SOLVE $s METHOD euler }\nDERIVATIVE s { m' = -m }\n",
    "S164": EVENT % "a = w" + "NET_RECEIVE ($u) { a = u }\n",
    "S170": KINETIC.replace("$", "") % "~ $a << (1)",
    "S171": KINETIC.replace("$", "") % "~ m <-> n (1, 1) CONSERVE m + $a = 1",
    "S172": KINETIC.replace("$", "") % "COMPARTMENT i, p { $m } ~ m <-> n (1, 1)",
    "S186": KINETIC.replace("$", "") % "LONGITUDINAL_DIFFUSION p { $a } ~ m <-> n (1, 1)",
    "S187": KINETIC.replace("$", "") % "LONGITUDINAL_DIFFUSION p { $m } ~ m <-> n (1, 1)",
    "S173": KINETIC % "a = 1",
    "S174": KINETIC % "~ m <-> n (1, 1) CONSERVE m = 1 CONSERVE n = 1 CONSERVE m + n = 2",
    "S175": LINEAR.replace("$", "") % "~ $m*n = 1",
    "S176": LINEAR % "~ m + n = 1",
    "S166": EVENT % "INITIAL { WATCH ($v > 3) 2 } a = w",
    "S167": P + "BREAKPOINT { i = v FOR_NETCONS($u) { a = u } }\n",
    "S168": "NEURON { SUFFIX x }\nINITIAL { $net_send(1, 2) }\n",
    "S177": EVENT % "WATCH ($v > w) 2",
    "S178": CALLED % "PROCEDURE $f(x) { TABLE a FROM 0 TO 1 WITH 0 a = x }",
    "S179": CALLED % "PROCEDURE $f(x) { TABLE b FROM 0 TO 1 WITH 10 a = x }",
    "S182": "NEURON { SUFFIX x }\nASSIGNED { $a[20000] }\n",
    "S183": CALLED % "PROCEDURE f(x) { TABLE a, $a FROM 0 TO 1 WITH 10 a = x }",
    "S188": INITIAL % "LAG $p BY p",
    "S189": INITIAL % "LAG a BY $b",
    "S190": "NEURON { SUFFIX x }\nASSIGNED { a lag_a_p }\nPARAMETER { p }\nINITIAL { LAG $a BY p }\n",
    "S165": P + "BREAKPOINT { i = v }\n$NET_RECEIVE () { a = 1 }\n",
}

UNSUPPORTED = {
    "U196": X + "INITIAL { SOLVE s STEADYSTATE sparse }\n$KINETIC s { ~ m <-> n (a, 1) a = a + m }\n",
    "U193": INITIAL % ("a = " + "(" * 59 + "$" + "(" * 9 + "1" + ")" * 68),
    "U194": INITIAL % f"${'a' * 999} = 1",
    "U197": X + "INITIAL { f(1) a = 2 }\nPROCEDURE f(x) { $TABLE a, b FROM 0 TO 1 WITH 10 b = x }\n",
    "U130": INITIAL % "FROM i = 0 TO 2 { $i = 3 }",
    "U133": INITIAL % 'a = exp("text")',
    "U134": "NEURON { SUFFIX x POINTER p RANGE a }\nASSIGNED { p[2] a }\nINITIAL { a = $p[0] }\n",
    "U135": "NEURON { SUFFIX x EXTERNAL q_other RANGE a }\nASSIGNED { q_other a }\nINITIAL { $q_other = 3 }\n",
    "U137": INITIAL % 'a = $force(t, "file")',
    "U140": CALLED % "FUNCTION f(x) { f = x*$f(x - 1) }",
    "U150": KINETIC.replace("$", "") % "while ($a < 3) { a = a + 1 ~ m <-> n (1, 1) }",
    "U200": EVENT % "FROM j = 0 TO 3 { $net_send(j*p, 2) }",
    "U151": "NEURON { ARTIFICIAL_CELL x }\nASSIGNED { a }\nNET_RECEIVE (w) { WATCH ($a > 3) 2 }\n",
    "U153": "NEURON { ARTIFICIAL_CELL x }\nASSIGNED { a }\nPARAMETER { p }\nNET_RECEIVE (w) { LAG $a BY p }\n",
    "U154": SOLVED % "$m'' = -m",
    "U155": "NEURON { SUFFIX x }\nSTATE { m[2] }\nBREAKPOINT { SOLVE s METHOD cnexp }\n"
    "DERIVATIVE s { $m'[0] = -m[0] }\n",
    "U156": KINETIC.replace("$", "") % "~ m <-> n (1, 2) FROM $i = 0 TO b { ~ m <-> n (1, 1) }",
    "U157": KINETIC.replace("$", "") % "FROM $i = 0 TO 20000 { ~ m <-> n (1, 1) }",
    "U158": INITIAL % "$VERBATIM while (1) a += 1; ENDVERBATIM",
    "U160": X + "INITIAL { SOLVE $d }\nDISCRETE d { m = m + 1 }\n",
    "U161": X + "INITIAL { SOLVE $s STEADYSTATE derivimplicit }\nDERIVATIVE s { m' = -m }\n",
    "U162": X + "BREAKPOINT { SOLVE $s }\nKINETIC s { ~ m <-> n (1, 1) }\n",
    "U163": X + "$AFTER BREAKPOINT { a = 1 }\n",
    "U164": X + "LOCAL l\n$CONSTRUCTOR { f() }\nPROCEDURE f() { l = l + 1 }\nINITIAL { a = l }\n",
    "U165": SOLVED.replace("cnexp", "derivimplicit").replace("DER", "$DER") % "a = a + 1 m' = -m" + "INITIAL { s() }\n",
    "U198": X + "BREAKPOINT { SOLVE s METHOD sparse SOLVE u METHOD sparse }\nKINETIC $s { ~ m <-> n (1, 1) }\n"
    "KINETIC u { ~ m <-> n (1, 2) }\n",
    "U167": KINETIC.replace("$", "") % "~ m <-> n ($a + 1, 1)",
    "U168": "NEURON { SUFFIX x USEION ca READ cai }\nASSIGNED { cai }\nSTATE { m }\n"
    "$BREAKPOINT { SOLVE s METHOD sparse }\n"
    "KINETIC s { COMPARTMENT 1 { m } LONGITUDINAL_DIFFUSION cai { m } ~ m << (0) }\n",
    "U172": CALLED % "PROCEDURE f(x) { TABLE a FROM $0 TO 1 WITH 10 a = x*v }",
    "U178": "NEURON { POINT_PROCESS x USEION ca READ cai WRITE cai }\nSTATE { cai }\n"
    "$NET_RECEIVE (w) { cai = cai + w }\n",
    "U174": EVENT.replace("NET_RECEIVE", "$NET_RECEIVE") % "f() WATCH (a > 1) 2" + "PROCEDURE f() { v = -60 }\n",
    "U159": EVENT % "FOR_NETCONS($u) { FOR_NETCONS(x) { a = u*x } }",
    "U176": "NEURON { SUFFIX x RANDOM r }\nASSIGNED { a }\nINITIAL { $random_setids(r, 1, 2, 3) }\n",
    "U177": "NEURON { SUFFIX x GLOBAL g RANGE a, b }\nASSIGNED { a b g v }\nINITIAL { g = 1 b = 2 f(v) }\n"
    "PROCEDURE f(x) { TABLE $a FROM 0 TO 1 WITH 10 a = x b = x }\n",
    "U180": "NEURON { POINT_PROCESS x GLOBAL g RANGE a }\nASSIGNED { v a $g }\nBREAKPOINT { a = g g = v }\n"
    "NET_RECEIVE (w) { g = g + w }\n",
    "U191": SOLVED % "m' = -m a = $m''",
    "U192": X + "INITIAL { $m@1 = 2 }\n",
}


def place_of(marked):
    before = marked[: marked.index("$")]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize("code", [*SEMANTIC, *UNSUPPORTED])
def test_refused_with_code_reason_remedy_and_place(code):
    text = {**SEMANTIC, **UNSUPPORTED}[code]
    file = "" if code == "S101" else "x.mod"  # a file without SUFFIX is named after itself
    report = mod_translator.check(text.replace("$", ""), file=file)
    found = [e for e in report.errors if e.code == code]
    assert found, str(report)
    error = found[0]
    assert isinstance(error, SemanticError if code in SEMANTIC else UnsupportedConstruct)
    assert error.reason
    assert error.remedy
    assert error.file == file
    if "$" in text:
        line, column = place_of(text)
        assert error.line == line, str(error)
        if code not in ("U172", "U177", "U197"):  # points at its TABLE
            assert error.column == column, str(error)
        assert error.source_line == text.replace("$", "").split("\n")[line - 1]
    for word in ("_at1", "Error", "object at", "None"):
        assert word not in error.reason


def test_a_library_of_functions_is_nothing_to_simulate():
    mechanism, report = mod_translator.lower("NEURON { SUFFIX nothing }\nFUNCTION f(x) { f = g(x) }\n")
    assert mechanism is not None, str(report)
    assert mechanism.initial is mechanism.current is mechanism.advance is None
    assert any("a library of HOC functions" in str(note) for note in report.notes)


def test_every_code_of_the_package_stands_in_this_file():
    package = Path(mod_translator.__file__).parent
    written = {c for p in package.rglob("*.py") for c in re.findall(r'"([SU]\d{3})"', p.read_text())}
    elsewhere = {
        "U190",
        "U195",
        "U201",
        "U202",
        "U203",
    }  # below; the tests of the emitter and of KSChan
    assert written == {*SEMANTIC, *UNSUPPORTED, *elsewhere}


def test_an_unknown_kind_of_expression():
    class Strange:
        pass

    with pytest.raises(UnsupportedConstruct, match="Strange"):
        Expressions(Source("x"))(Strange())


def test_all_refusals_are_reported_at_once_in_the_order_of_the_text():
    text = X + "INITIAL {\n a = nobody\n m@1 = m\n b = exp(1, 2)\n}\n"
    report = mod_translator.check(text)
    assert [(e.code, e.line) for e in report.errors] == [("S133", 6), ("U192", 7), ("S140", 8)]
    with pytest.raises(TranslationErrors) as caught:
        mod_translator.translate(text)
    assert [e.code for e in caught.value.errors] == ["S133", "U192", "S140"]
    assert "3 problems" in str(caught.value)
    for reason in ("nobody", "m@1", "takes 1 argument"):
        assert reason in str(caught.value)


def test_a_single_refusal_is_raised_as_itself():
    with pytest.raises(SemanticError, match="nobody") as caught:
        mod_translator.translate(INITIAL % "a = nobody", file="k.mod")
    message = str(caught.value)
    assert message.startswith("k.mod:5:15: semantic error [S133]: nobody is not declared")
    assert "    INITIAL { a = nobody }\n                  ^" in message
    assert "What to do:" in message


def test_what_the_simulation_never_reaches_is_dropped_with_a_note():
    text = (
        X + "INITIAL { a = 1 }\nPROCEDURE plot() {\nVERBATIM\n anything();\nENDVERBATIM\n"
        " a = nobody while (1) { a = 1 } }\n"
    )
    report = mod_translator.check(text)
    assert report.ok, str(report)
    assert any("plot is not used in a simulation" in n.text for n in report.notes)


def test_harmless_verbatim_is_dropped():
    text = (
        X + "INITIAL { f() VERBATIM\n /* nothing */ ENDVERBATIM }\nPROCEDURE f() { a = 1\nVERBATIM\n return 0;\n"
        "ENDVERBATIM\n}\n"
    )
    assert mod_translator.check(text).ok
    ion = "NEURON { SUFFIX x USEION ca READ cai WRITE cai }\nSTATE { cai }\nINITIAL { %s\nVERBATIM\n cai = _ion_cai;\n"
    ion += "ENDVERBATIM\n}\n"
    assert mod_translator.check(ion % "").ok
    assert [e.code for e in mod_translator.check(ion % "cai = 2").errors] == ["U158"]
    assert [e.code for e in mod_translator.check((ion % "").replace("_ion_cai", "_ion_cao")).errors] == ["U158"]
    early = X + "INITIAL { f() }\nPROCEDURE f() {\nVERBATIM\n return 0;\nENDVERBATIM\n a = 1 }\n"
    assert mod_translator.translate(early).ir.routines["f"].writes == ()  # what follows is never reached


def test_report_as_json():
    report = mod_translator.check(INITIAL % "a = nobody", file="k.mod")
    data = report.to_json()
    assert (data["name"], data["kind"], data["ok"]) == ("x", "SUFFIX", False)
    (error,) = data["errors"]
    assert (error["type"], error["code"], error["line"], error["column"]) == ("SemanticError", "S133", 5, 15)


def test_the_same_refusal_at_the_same_place_counts_once():
    collector = Collector()
    for _ in range(2):
        collector.error(SemanticError("twice", place=Place("f", 1, 2)))
    assert len(collector.errors) == 1
