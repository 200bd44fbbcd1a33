"""The numbers of a model, as a pytree: what may change between runs without compiling anew."""

from __future__ import annotations

from typing import NamedTuple

import jax

Array = jax.Array
PerMechanism = dict[str, dict[str, Array]]


class Cable(NamedTuple):
    """Ra [n_sections] (ohm cm), cm, diam [n_segments] (uF/cm2, um), area [rows] (um2), ri_per_Ra [rows] (MOhm / ohm cm)."""

    Ra: Array
    cm: Array
    diam: Array
    area: Array
    ri_per_Ra: Array


class IonValues(NamedTuple):
    """inside, outside (mM), erev (mV) [n]; inside0, outside0: the start values of ion_style."""

    inside: Array
    outside: Array
    erev: Array
    inside0: Array
    outside0: Array


class Values(NamedTuple):
    """mechanisms: INSTANCE variables [n] (arrays: [length, n]); globals_: scalars; weights: per target [n_connections, n_args]."""

    cable: Cable
    mechanisms: PerMechanism
    globals_: PerMechanism
    ions: dict[str, IonValues]
    weights: dict[str, Array]
    celsius: Array
    v_init: Array


class IonState(NamedTuple):
    """inside, outside (mM), erev (mV), current (mA/cm2, summed over the mechanisms) [n]."""

    inside: Array
    outside: Array
    erev: Array
    current: Array


class State(NamedTuple):
    """What one step hands to the next. v [rows] (mV); mechanisms: the carried INSTANCE variables; weights: NetCon arguments."""

    v: Array
    mechanisms: PerMechanism
    ions: dict[str, IonState]
    weights: dict[str, Array]


class Fixed(NamedTuple):
    """What a run computes once from Values, before the first step.

    mechanisms: INSTANCE variables after INITIAL that no step changes. tables: TABLE contents. a, b [rows]: the off-diagonal
    coefficients of the tree; diagonal [rows]: axial and capacitive part of d; axial enters rhs through a and b.
    """

    values: Values
    mechanisms: PerMechanism
    globals_: PerMechanism
    tables: PerMechanism
    a: Array
    b: Array
    diagonal: Array
