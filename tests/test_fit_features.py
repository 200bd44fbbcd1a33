"""Features equal eFEL's on the same traces, and their derivatives equal differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from neuron_process import run_function

from nrn_diff.fitting import (
    Adaptation,
    AHPDepth,
    AHPVoltage,
    FISlope,
    FitError,
    HeightAboveRest,
    HighestAboveRest,
    InputResistance,
    InstantaneousRate,
    InterspikeInterval,
    IntervalVariation,
    Mean,
    MeanFrequency,
    PeakTime,
    PeakVoltage,
    Protocols,
    RestingPotential,
    SagAmplitude,
    SlowAHPTime,
    SlowAHPVoltage,
    SoftSpikeCount,
    SpikeAmplitude,
    SpikeTime,
    SpikeWidth,
    Spread,
    SteadyState,
    Target,
    ThresholdVoltage,
    VoltageAfterStimulus,
    Weighted,
    WidthAtThreshold,
    ZScores,
    trace_mse,
)
from nrn_diff.recording import Recording

START, STOP = 20.0, 80.0
# After the last one the soma spikes once, by rebound.
CURRENTS = [-0.02, 0.01, 0.15, 0.3, -0.3]


def traces(currents):
    """Of a Hodgkin-Huxley soma, from NEURON; and what eFEL says of them, where it is installed."""
    from neuron import h

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.insert("hh")
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur = START, STOP - START
    v = h.Vector().record(soma(0.5)._ref_v)
    h.tstop, h.dt, h.steps_per_ms = 100, 0.025, 40
    out = []
    for amp in currents:
        clamp.amp = amp
        h.run()
        out.append(np.array(v))
    try:
        import efel
    except ImportError:
        return {"v": out, "efel": None, "everywhere": None}
    names = [
        "voltage_base", "steady_state_voltage_stimend", "ohmic_input_resistance_vb_ssse", "Spikecount", "peak_voltage",
        "AP_amplitude", "AP_begin_voltage", "AP_duration_half_width", "AHP_depth_abs", "AHP_depth", "peak_time",
        "time_to_first_spike", "AP_amplitude_from_voltagebase", "AP_width", "AHP_depth_abs_slow", "AHP_slow_time",
        "mean_frequency", "doublet_ISI", "inv_first_ISI", "inv_second_ISI", "inv_last_ISI", "ISI_CV",
        "adaptation_index2", "sag_amplitude", "maximum_voltage_from_voltagebase", "voltage_after_stim",
    ]  # fmt: skip
    efel.set_setting("interp_step", 0.025)
    efel.set_setting("Threshold", -20.0)
    found = {"v": out}
    for key, strict in (("efel", True), ("everywhere", False)):
        efel.set_setting("strict_stiminterval", strict)
        found[key] = []
        for amp, trace in zip(currents, out, strict=True):
            cell = {"T": np.arange(len(trace)) * 0.025, "V": trace, "stim_start": [START], "stim_end": [STOP]}
            cell["stimulus_current"] = [amp]
            values = efel.get_feature_values([cell], names)[0]
            found[key].append({k: [] if x is None else np.asarray(x, float).tolist() for k, x in values.items()})
    return found


@pytest.fixture(scope="module")
def recorded():
    return run_function(traces, currents=CURRENTS)


def recording_of(v):
    return Recording(np.arange(len(v)) * 0.025, {"v": v})


def each(feature, n, **options):
    return [feature("v", START, STOP, which=k, **options) for k in range(n)]


def test_values_are_those_of_efel(recorded):
    if recorded["efel"] is None:
        pytest.skip("eFEL is not installed")
    compared = 0
    for amp, v, theirs in zip(CURRENTS, recorded["v"], recorded["efel"], strict=True):
        rec = recording_of(v)
        n = int(theirs["Spikecount"][0])
        # Tolerances: eFEL takes samples where this interpolates.
        checks = [
            (RestingPotential("v", START), theirs["voltage_base"], 1e-6),
            # In the middle of a spike one sample more or less in the window counts.
            (SteadyState("v", START, STOP), theirs["steady_state_voltage_stimend"], 0.2 if n else 1e-6),
            (InputResistance("v", START, STOP, amp), theirs["ohmic_input_resistance_vb_ssse"], 1.5 if n else 1e-4),
            (SoftSpikeCount("v", START, STOP), [n], 0.02 if n else 0.3),
        ]
        for feature, value, tolerance in checks:
            assert float(feature(rec)) == pytest.approx(value[0], abs=tolerance), (amp, feature)
        for kind, name, tolerance in (
            (PeakVoltage, "peak_voltage", 1e-9),
            (SpikeAmplitude, "AP_amplitude", 0.6),
            (ThresholdVoltage, "AP_begin_voltage", 0.6),
            (SpikeWidth, "AP_duration_half_width", 0.03),
            (AHPVoltage, "AHP_depth_abs", 1e-9),
            (AHPDepth, "AHP_depth", 1e-6),
        ):
            for k in range(min(n, len(theirs[name]))):
                ours = float(kind("v", START, STOP, which=k)(rec))
                # The lowest voltage after the last spike: eFEL looks at the stimulus only, and so does the window.
                assert ours == pytest.approx(theirs[name][k], abs=tolerance), (amp, name, k)
                compared += 1
        for k in range(n):
            assert 0 < theirs["peak_time"][k] - START - float(SpikeTime("v", START, STOP, which=k)(rec)) < 1.0
        none = SpikeAmplitude("v", START, STOP, which=n)(rec)
        assert np.isnan(none)
    assert compared > 30


# eFEL takes samples, at dt = 0.025, where this interpolates.
OF_TRAINS = (
    (PeakTime, "time_to_first_spike", {"which": 0}, 0.0125),
    (HeightAboveRest, "AP_amplitude_from_voltagebase", {}, 1e-6),
    (WidthAtThreshold, "AP_width", {}, 0.03),
    (AHPVoltage, "AHP_depth_abs", {}, 1e-9),
    (SlowAHPVoltage, "AHP_depth_abs_slow", {}, 0.08),  # and 5 ms after the peak
    (SlowAHPTime, "AHP_slow_time", {}, 0.002),
    (MeanFrequency, "mean_frequency", {}, 0.05),
    (InterspikeInterval, "doublet_ISI", {}, 0.026),
    (InstantaneousRate, "inv_first_ISI", {}, 0.2),
    (InstantaneousRate, "inv_second_ISI", {"which": 1}, 0.2),
    (InstantaneousRate, "inv_last_ISI", {"which": -1}, 0.2),
    (IntervalVariation, "ISI_CV", {}, 0.002),
    (Adaptation, "adaptation_index2", {}, 0.001),
    (SagAmplitude, "sag_amplitude", {}, 1e-6),
    (HighestAboveRest, "maximum_voltage_from_voltagebase", {}, 0.05),  # one sample more or less at the onset
    (VoltageAfterStimulus, "voltage_after_stim", {}, 0.01),
)


def test_features_of_trains_are_those_of_efel(recorded):
    if recorded["efel"] is None:
        pytest.skip("eFEL is not installed")
    compared = {name: 0 for _, name, _, _ in OF_TRAINS}
    for key, everywhere in (("efel", {}), ("everywhere", {"spikes_in": (0.0, 100.0)})):
        for amp, v, theirs in zip(CURRENTS, recorded["v"], recorded[key], strict=True):
            for kind, name, options, tolerance in OF_TRAINS:
                if kind is HighestAboveRest and amp < -0.1:
                    continue  # eFEL leaves out the sample at the onset, which is the highest
                of_spikes = kind not in (SagAmplitude, HighestAboveRest, VoltageAfterStimulus)
                feature = kind("v", START, STOP, **options, **(everywhere if of_spikes else {}))
                ours, value = float(feature(recording_of(v))), theirs[name]
                if value:
                    assert ours == pytest.approx(np.mean(value), abs=tolerance), (key, amp, name)
                    compared[name] += 1
                else:
                    assert np.isnan(ours), (key, amp, name)
    assert all(n >= 2 for n in compared.values()), compared
    # More spikes than are looked at: no number rather than a wrong one.
    assert np.isnan(float(InstantaneousRate("v", START, STOP, which=-1, most=2)(recording_of(recorded["v"][3]))))
    with pytest.raises(FitError, match="the last"):
        InterspikeInterval("v", which=-2)(recording_of(v))


FEATURES = [
    Mean("v", 21.0, 40.0),
    Spread("v", 21.0, 40.0),
    Spread("v", 21.0, 40.0, power=3),
    RestingPotential("v", START),
    SteadyState("v", START, STOP),
    SoftSpikeCount("v", START, STOP),
    SpikeTime("v", START, STOP, which=1),
    PeakVoltage("v", START, STOP),
    ThresholdVoltage("v", START, STOP, which=0),
    SpikeAmplitude("v", START, STOP, which=1),
    SpikeWidth("v", START, STOP),
    AHPDepth("v", START, STOP, which=0),
    PeakTime("v", START, STOP, which=1),
    HeightAboveRest("v", START, STOP),
    WidthAtThreshold("v", START, STOP),
    SlowAHPVoltage("v", START, STOP),
    SlowAHPTime("v", START, STOP),
    MeanFrequency("v", START, STOP),
    InterspikeInterval("v", START, STOP),
    InstantaneousRate("v", START, STOP, which=-1),
    IntervalVariation("v", START, STOP),
    Adaptation("v", START, STOP),
    HighestAboveRest("v", START, STOP),
    VoltageAfterStimulus("v", START, STOP),
]


@pytest.mark.long
def test_derivatives_are_those_of_the_interpolated_trace(recorded):
    v = recorded["v"][3]
    rng = np.random.default_rng(1)
    direction = np.convolve(rng.standard_normal(len(v)), np.hanning(41) / 20, mode="same")
    for feature in FEATURES:
        f = lambda x, feature=feature: feature(recording_of(jnp.asarray(v) + x * direction))
        _, slope = jax.jvp(f, (0.0,), (1.0,))
        h = 1e-5
        difference = (float(f(h)) - float(f(-h))) / (2 * h)
        assert np.isfinite(slope)
        assert float(slope) == pytest.approx(difference, rel=1e-4, abs=1e-7), feature


@pytest.mark.long
def test_what_does_not_exist_costs_what_was_said_and_leaves_the_gradient_finite(recorded):
    quiet, spiking = recording_of(recorded["v"][0]), recording_of(recorded["v"][3])
    width = Target(SpikeWidth("v", START, STOP), mean=1.0, std=0.2, missing=7.0)
    count = Target(SoftSpikeCount("v", START, STOP), mean=5.0, std=1.0, weight=3.0)
    loss = ZScores([width, count])
    assert float(loss.z(quiet)[0]) == 7.0
    assert float(loss(quiet)) == pytest.approx((49.0 + 3 * float(loss.z(quiet)[1]) ** 2) / 4)
    assert float(jnp.sum(loss.residuals(spiking) ** 2)) == pytest.approx(float(loss(spiking)))
    # A run that failed is no spike that is missing.
    assert np.isnan(loss(recording_of(np.where(np.arange(len(recorded["v"][0])) > 3000, np.nan, recorded["v"][0]))))
    slope = jax.grad(lambda v: loss(recording_of(v)))(jnp.asarray(recorded["v"][0]))
    assert np.all(np.isfinite(slope))
    assert np.any(slope != 0.0)
    with pytest.raises(FitError, match="not in the recording"):
        SpikeWidth("w")(spiking)
    with pytest.raises(FitError, match="std"):
        ZScores([Target(Mean("v"), 0.0, 0.0)])


class Leak:
    """v follows i/g exactly; anything with simulate can be run in protocols."""

    def simulate(self, theta):
        t = jnp.arange(100.0)
        return Recording(t, {"v": theta["i"] / theta["g"] * jnp.ones(100) - 70.0})


@pytest.mark.long
def test_protocols_and_weights():
    protocols = Protocols(Leak(), {"low": {"i": 0.1}, "high": {"i": 0.4}})
    recordings = protocols.simulate({"g": jnp.asarray(0.01)})
    assert float(Mean("v")(recordings["high"])) == pytest.approx(-30.0)
    low, high = (trace_mse("v", np.full(100, x)) for x in (-61.0, -32.0))
    loss = Weighted([(low, 2.0, "low"), (high, 0.5, "high")])
    assert float(loss(recordings)) == pytest.approx(2 * 1 + 0.5 * 4)
    assert float(jnp.sum(loss.residuals(recordings) ** 2)) == pytest.approx(float(loss(recordings)))
    slope = jax.grad(lambda g: loss(protocols.simulate({"g": g})))(0.01)
    expected = 2 * 2 * 1 * -0.1 / 0.01**2 + 0.5 * 2 * 2 * -0.4 / 0.01**2
    assert float(slope) == pytest.approx(expected)
    with pytest.raises(FitError, match="cannot be fitted as well"):
        protocols.simulate({"g": 0.01, "i": 1.0})
    with pytest.raises(FitError, match="same names"):
        Protocols(Leak(), {"a": {"i": 1.0}, "b": {}})


def test_firing_rate_over_current(recorded):
    count = SoftSpikeCount("v", START, STOP)
    recordings = {str(k): recording_of(v) for k, v in enumerate(recorded["v"])}
    slope = FISlope(count, tuple((str(k), CURRENTS[k]) for k in (1, 2, 3)))(recordings)
    rates = [float(count(recordings[str(k)])) / 0.06 for k in (1, 2, 3)]
    assert float(slope) == pytest.approx(np.polyfit([CURRENTS[k] for k in (1, 2, 3)], rates, 1)[0])
    with pytest.raises(FitError, match="no protocol"):
        FISlope(count, (("other", 1.0),))(recordings)
