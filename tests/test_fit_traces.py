"""Measured traces in NWB and ABF, from files that the libraries themselves write."""

import datetime

import numpy as np
import pytest

from nrn_diff.fitting.errors import FitError
from nrn_diff.fitting.measured import read_trace

V = -65 + 40 * np.sin(np.arange(2000) / 20)  # mV
CURRENT = np.where(np.arange(2000) > 50, 0.25, 0.0)  # nA


@pytest.fixture(scope="module")
def nwb(tmp_path_factory):
    pynwb = pytest.importorskip("pynwb")
    from pynwb import icephys

    path = tmp_path_factory.mktemp("nwb") / "cell.nwb"
    start = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC)
    file = pynwb.NWBFile(session_description="a cell", identifier="1", session_start_time=start)
    electrode = file.create_icephys_electrode(
        name="e", description="patch", device=file.create_device(name="amplifier")
    )
    common = {"electrode": electrode, "gain": 1.0}
    clamp = icephys.CurrentClampSeries
    # Stored as whole numbers of 0.01 mV above -100 mV, as amplifiers do it; a start later than that of the session.
    counts = np.round((V + 100) / 0.01).astype(np.int16)
    file.add_acquisition(
        clamp(name="v", data=counts, conversion=1e-5, offset=-0.1, starting_time=3.0, rate=40000.0, **common)
    )
    times = np.cumsum(np.where(np.arange(2000) % 2, 2e-5, 3e-5))
    file.add_acquisition(clamp(name="uneven", data=V * 1e-3, timestamps=times, **common))
    stimulus = icephys.CurrentClampStimulusSeries(
        name="i", data=CURRENT * 1e-9, starting_time=0.0, rate=40000.0, **common
    )
    file.add_stimulus(stimulus)
    file.add_acquisition(pynwb.TimeSeries(name="pressure", data=V, unit="pascal", rate=1.0))
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path, times


def test_nwb_is_read_in_millivolts_nanoamperes_and_milliseconds(nwb):
    path, times = nwb
    t, v = read_trace(path, "v")
    np.testing.assert_allclose(t, np.arange(2000) * 0.025, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(v, V, atol=0.0051)
    t, v = read_trace(path, "uneven")
    np.testing.assert_allclose(t, (times - times[0]) * 1e3, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(v, V, rtol=1e-12)
    np.testing.assert_allclose(read_trace(path, "i")[1], CURRENT, rtol=1e-12)


@pytest.mark.parametrize(("name", "why"), [("pressure", "pascal"), ("nothing", "pressure, uneven, v; i")])
def test_what_nwb_does_not_have_is_said(nwb, name, why):
    with pytest.raises(FitError, match=why):
        read_trace(nwb[0], name)


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1.0), ("pA", 1e3)])
def test_sweeps_of_abf(tmp_path, unit, factor):
    writer = pytest.importorskip("pyabf.abfWriter")
    sweeps = np.stack([V, CURRENT * 100])
    writer.writeABF1(sweeps * (1.0 if unit == "mV" else factor), str(tmp_path / "a.abf"), 40000.0, units=unit)
    for number, expected in enumerate(sweeps):
        t, x = read_trace(tmp_path / "a.abf", str(number))
        np.testing.assert_allclose(t, np.arange(2000) * 0.025, rtol=1e-6, atol=1e-9)
        # The writer scales the largest number to the next power of ten in 16 bits.
        np.testing.assert_allclose(x, expected, atol=1000 / 2**15)
    with pytest.raises(FitError, match="2 sweeps"):
        read_trace(tmp_path / "a.abf", "2")
