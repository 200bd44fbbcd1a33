"""What a KSChan object of NEURON holds (src/nrniv/kschan.h)."""

from __future__ import annotations

from dataclasses import dataclass

CONSTANT, EXPONENTIAL, LINOID, SIGMOID, BG_INF, BG_TAU, TABLE = range(1, 8)  # KSChanFunction::type
ALPHA_BETA, INF_TAU, LIGAND_OUTSIDE, LIGAND_INSIDE = range(4)  # KSTransition::type_
OHMIC, NERNST, GHK = range(3)  # KSChan::cond_model_


@dataclass(frozen=True)
class Function:
    """One function of a transition. parameters: of its formula, or the values of a TABLE from low to high (mV)."""

    kind: int
    parameters: tuple[float, ...]
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Transition:
    """Between two states, by index; of a Hodgkin-Huxley gate both are its state.

    kind: ALPHA_BETA, ...; first, second: alpha and beta, or inf and tau. ligand: the concentration that multiplies the
    forward rate ('cai', 'cao'), to the power `stoichiometry`; '' for a transition that depends on the voltage.
    """

    source: int
    target: int
    kind: int
    first: Function
    second: Function
    ligand: str = ""
    stoichiometry: int = 1


@dataclass(frozen=True)
class State:
    """fraction: of the conductance that a channel in this state has."""

    name: str
    fraction: float


@dataclass(frozen=True)
class Gate:
    """States `first` to `first + count - 1`; the gate's conductance is taken to `power`."""

    first: int
    count: int
    power: int


@dataclass(frozen=True)
class Table:
    """usetable(1): the Hodgkin-Huxley gates are looked up, `size` rows from low to high (mV)."""

    size: int
    low: float
    high: float


@dataclass(frozen=True)
class Channel:
    """A channel. ion: '' if it is not specific, then e is a parameter. model: OHMIC, NERNST or GHK.

    transitions: those of the Hodgkin-Huxley gates first, one for each of the first states; then those between states,
    with a ligand last. gmax, erev: the defaults of gmax and e.
    """

    name: str
    is_point: bool
    ion: str
    charge: float
    model: int
    gmax: float
    erev: float
    states: tuple[State, ...]
    gates: tuple[Gate, ...]
    transitions: tuple[Transition, ...]
    table: Table | None = None

    @property
    def n_hh(self) -> int:
        """Number of Hodgkin-Huxley gates: states that are their gate's only one and have a transition of their own."""
        count = 0
        for k, t in enumerate(self.transitions):
            if not t.source == t.target == k == count:
                break
            count += 1
        return count
