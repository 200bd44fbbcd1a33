"""The numbers of a model, as a pytree: what may change between runs without compiling anew."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax

Array = jax.Array
PerMechanism = dict[str, dict[str, Array]]


class Cable(NamedTuple):
    """Ra [n_sections] (ohm cm); cm (uF/cm2), diam (um) [n_segments]; area (um2), unit_ri (MOhm per ohm cm) [rows]."""

    Ra: Array
    cm: Array
    diam: Array
    area: Array
    unit_ri: Array


class IonValues(NamedTuple):
    """inside, outside (mM), erev (mV) [n]; inside0, outside0: the start values of ion_style."""

    inside: Array
    outside: Array
    erev: Array
    inside0: Array
    outside0: Array


class Values(NamedTuple):
    """mechanisms: INSTANCE variables, [n] or [length, n]; globals_: scalars; weights: [n_connections, n_args].

    thresholds: of the spike sources (mV), [n_sources].
    """

    cable: Cable
    mechanisms: PerMechanism
    globals_: PerMechanism
    ions: dict[str, IonValues]
    weights: dict[str, Array]
    thresholds: Array
    celsius: Array
    v_init: Array


class IonState(NamedTuple):
    """inside, outside (mM), erev (mV), current (mA/cm2, summed over the mechanisms) [n]."""

    inside: Array
    outside: Array
    erev: Array
    current: Array


class Spikes(NamedTuple):
    """above [n_sources]: whether a source was above its threshold; fired [memory, n_sources]: the last crossings.

    Only where spikes have a derivative (spike_times.py), all zero in value: before [n_sources] (mV, not zero): voltages
    at the last check; moved [memory, n_sources]: of the crossings; pending: what their move takes away, by mechanism.
    """

    above: Array
    fired: Array
    before: Array | None = None
    moved: Array | None = None
    pending: PerMechanism | None = None


class State(NamedTuple):
    """What one step hands to the next. v [rows] (mV); of mechanisms and ions what changes; NetCon arguments."""

    v: Array
    mechanisms: PerMechanism
    ions: dict[str, dict[str, Array]]
    weights: dict[str, Array]
    spikes: Spikes


class Fixed(NamedTuple):
    """What a run computes once from Values, before the first step.

    mechanisms: INSTANCE variables after INITIAL that no step changes. ions: at the start. tables: TABLE contents.
    a, b [rows]: off-diagonal coefficients of the tree; diagonal [rows]: the axial and capacitive part of d.
    """

    values: Values
    mechanisms: PerMechanism
    ions: dict[str, IonState]
    globals_: PerMechanism
    tables: dict[str, dict[str, Any]]
    a: Array
    b: Array
    diagonal: Array
