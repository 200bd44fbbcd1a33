"""Unit factors agree with what NEURON 9's nocmodl prints, to the last bit."""

from __future__ import annotations

import pytest

import mod_translator
from mod_translator.semantic.units import UnitError, standard_units


@pytest.mark.parametrize(
    ("numerator", "denominator", "printed"),
    [
        ("faraday", "coulomb", "0x1.78e555060882cp+16"),
        ("faraday", "kilocoulombs", "0x1.81f0fae775425p+6"),
        ("k-mole", "joule/degC", "0x1.0a1013e8990bep+3"),
        ("pi", "1", "0x1.921fb54442d18p+1"),
    ],
)
def test_the_constants_of_2019(numerator, denominator, printed):
    assert standard_units().ratio(numerator, denominator) == float.fromhex(printed)


def test_prefixes_plurals_powers():
    units = standard_units()
    assert units.ratio("mm2", "micron2") == pytest.approx(1e6)
    assert units.ratio("milli/liter", "mole/m3") == pytest.approx(1 / 6.02214076e23)
    assert units.ratio("2 foots", "inch") == pytest.approx(24)
    with pytest.raises(UnitError):
        units.ratio("furlongish", "m")


def test_factors_use_the_units_that_the_file_defines():
    text = (
        "NEURON { SUFFIX x RANGE a }\n"
        "UNITS { (molar) = (1/liter) (mM) = (millimolar) F = (faraday) (coulombs) k = (mM) -> (molar) G = 12.5 (mM) }\n"
        "ASSIGNED { a }\nINITIAL { a = F*k*G }\n"
    )
    mechanism, report = mod_translator.lower(text)
    assert report.ok, str(report)
    values = {name: mechanism.symbols[name].default for name in "FkG"}
    assert values["k"] == pytest.approx(1e-3)
    assert values["G"] == 12.5
    assert values["F"] == float.fromhex("0x1.78e555060882cp+16")
