"""The numbers of a model, as a pytree: what may change between runs without compiling anew."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax

from nrn_diff.runtime import FunctionTable

Array = jax.Array
PerMechanism = dict[str, dict[str, Array]]


class Cable(NamedTuple):
    """Ra (ohm cm), L (um) [n_sections]; cm (uF/cm2), diam (um) [n_segments]; area (um2), unit_ri (MOhm/ohm cm) [rows].

    area and unit_ri follow from L and diam (nrn_diff/geometry.py); the solver reads L nowhere. rounding [rows] (MOhm):
    what the product of unit_ri and Ra lacks to NEURON's axial resistance; None where that does not matter.
    """

    Ra: Array
    cm: Array
    diam: Array
    area: Array
    unit_ri: Array
    L: Array
    rounding: Array | None = None


class Layers(NamedTuple):
    """xraxial (MOhm/cm), xg (S/cm2), xc (uF/cm2) [n, layers]; e_extracellular (mV), half_length (cm) [n].

    left [layered rows] (mV): vext[0] before finitialize.
    """

    xraxial: Array
    xg: Array
    xc: Array
    e_extracellular: Array
    half_length: Array
    left: Array


class Circuit(NamedTuple):
    """A LinearMechanism, c y' + g y = b: c, g [n, n], b, y0 [n] (y0: of the unknowns that are its own)."""

    c: Array
    g: Array
    b: Array
    y0: Array


class IonValues(NamedTuple):
    """inside, outside (mM), erev (mV), current (mA/cm2) [n]; inside0, outside0: the start values of ion_style."""

    inside: Array
    outside: Array
    erev: Array
    inside0: Array
    outside0: Array
    current: Array


class Values(NamedTuple):
    """mechanisms: INSTANCE variables, [n] or [length, n]; globals_: scalars; weights: [n_connections, n_args].

    thresholds: of the spike sources (mV), [n_sources]. extracellular: None without such layers. tables: contents of
    FUNCTION_TABLEs by mechanism and name. start_v [rows] (mV): the voltages to start from, None: v_init everywhere.
    start: variables that replace what INITIAL leaves, [n].
    plays: the samples of each played Vector. delays (ms): of the connections of each mechanism, as compiled, since they
    count steps; here for the derivative with respect to them. own_init: by phase of a script's own init(), the numbers
    in its formulas, by operand.
    """

    cable: Cable
    mechanisms: PerMechanism
    globals_: PerMechanism
    ions: dict[str, IonValues]
    weights: dict[str, Array]
    thresholds: Array
    celsius: Array
    v_init: Array
    tables: dict[str, dict[str, FunctionTable]]
    extracellular: Layers | None = None
    circuits: dict[str, Circuit] | None = None
    start_v: Array | None = None
    start: PerMechanism | None = None
    plays: dict[str, Array] = {}  # noqa: RUF012
    delays: dict[str, Array] = {}  # noqa: RUF012
    own_init: tuple[dict[str, Array], ...] = ()


class IonState(NamedTuple):
    """inside, outside (mM), erev (mV), current (mA/cm2, summed over the mechanisms) [n]."""

    inside: Array
    outside: Array
    erev: Array
    current: Array


class Spikes(NamedTuple):
    """above [n_sources]: whether a source was above its threshold; fired [memory, n_sources]: the last crossings.

    tied: whether events came together whose order matters and is not known (spikes.py); None where it is always known.
    Only where spikes have a derivative (spike_times.py), all zero in value: before [n_sources] (mV, not zero): voltages
    at the last check; moved [memory, n_sources]: of the crossings; pending: what their move takes away, by mechanism.
    """

    above: Array
    fired: Array
    before: Array | None = None
    moved: Array | None = None
    pending: PerMechanism | None = None
    tied: Array | None = None


class Queue(NamedTuple):
    """Events that wait for the instances of one mechanism, [slots, n] each; a free slot has time = inf (ms).

    connection: the NetCon (among the mechanism's) whose weights NET_RECEIVE takes, -1: none. sent (ms), order: when the
    event was queued, for events of the same time. movable [n]: slot of what net_move moves, -1: none. active, above,
    pending [n_watches, n]: whether a WATCH is on, held when last looked at, and has an event due. number: of events so
    far. failed: what went wrong, see event_queue.py. drawn_at (ms), drawn_by, drawn_late: when an event
    last drew from the random stream of the process, in which instance (-1: none did), and whether it was sent at that
    time. log [n, instances] (ms): net_events of this step, inf for none; no rows where nobody records them.
    """

    time: Array
    flag: Array
    connection: Array
    sent: Array
    order: Array
    movable: Array
    active: Array
    above: Array
    pending: Array
    number: Array
    failed: Array
    log: Array
    drawn_at: Array
    drawn_by: Array
    drawn_late: Array


class State(NamedTuple):
    """What one step hands to the next. v [rows] (mV); of mechanisms and ions what changes; NetCon arguments.

    vext [layered rows, layers] (mV): None without extracellular layers; circuit: own unknowns of the LinearMechanisms,
    None without. queues: of the mechanisms that have one. membrane: name -> [rows], where the structure keeps them.
    """

    v: Array
    mechanisms: PerMechanism
    ions: dict[str, dict[str, Array]]
    weights: dict[str, Array]
    spikes: Spikes
    vext: Array | None = None
    queues: dict[str, Queue] | None = None
    circuit: Array | None = None
    membrane: dict[str, Array] | None = None


class CircuitMatrix(NamedTuple):
    """All circuits as one: g, left = c/dt + g [size, size], b [size]."""

    g: Array
    left: Array
    b: Array


class LayerMatrix(NamedTuple):
    """What is constant in the equations of the layers, [layered rows, layers] each (S/cm2).

    a, b: coupling along the tree; diagonal: axial, radial and capacitive part; radial: coupling to the next layer (the
    outermost: to ground) with its capacity; xg: the same without.
    """

    a: Array
    b: Array
    diagonal: Array
    radial: Array
    xg: Array


class Fixed(NamedTuple):
    """What a run computes once from Values, before the first step.

    mechanisms: INSTANCE variables after INITIAL that no step changes. ions: at the start. tables: TABLE contents.
    a, b [rows]: off-diagonal coefficients of the tree; diagonal [rows]: the axial and capacitive part of d, or the
    latter alone where the tree has `siblings`; capacity [rows]: the capacitive part.
    """

    values: Values
    mechanisms: PerMechanism
    ions: dict[str, IonState]
    globals_: PerMechanism
    tables: dict[str, dict[str, Any]]
    a: Array
    b: Array
    diagonal: Array
    capacity: Array
    layers: LayerMatrix | None = None
    circuits: CircuitMatrix | None = None
