"""HOC channels (KSChan) to the IR; see README.md."""

from mod_translator.kschan.channel import LIGAND_OUTSIDE, Channel, Function, Gate, State, Table, Transition
from mod_translator.kschan.lower import Lowered, is_channel, lower

__all__ = [
    "LIGAND_OUTSIDE",
    "Channel",
    "Function",
    "Gate",
    "Lowered",
    "State",
    "Table",
    "Transition",
    "is_channel",
    "lower",
]
