"""What a POINTER that C code uses as a generator of random numbers leads to, as the live process tells."""

from __future__ import annotations

from dataclasses import dataclass

STREAM = "STREAM"  # the `block` of its symbol

# Distributions of a HOC Random (classes of NEURON's src/gnu) that a draw can be written out for.
DISTRIBUTIONS = ("Uniform", "NegativeExpntl", "Normal", "DiscreteUniform")
GENERATORS = ("Random123", "MCellRan4")


@dataclass(frozen=True, slots=True)
class Pointee:
    """kind: 'state' (nrnran123_State), 'Random' (a HOC Random), 'other' (a Vector), or 'nothing' in every instance.

    everywhere: whether every instance has one; else some hold a null pointer. generator, distribution: of a Random.
    """

    kind: str = "nothing"
    everywhere: bool = False
    generator: str = GENERATORS[0]
    distribution: str = DISTRIBUTIONS[0]

    @property
    def known(self) -> bool | None:
        """Whether the pointer is not null, where that is the same for all instances."""
        return False if self.kind == "nothing" else True if self.everywhere else None


def pick_name(pointee: Pointee) -> str:
    """Return the call that draws from a HOC Random as nrn_random_pick does."""
    return f"random_pick_{pointee.generator}_{pointee.distribution}"


PICKS = tuple(pick_name(Pointee("Random", generator=g, distribution=d)) for g in GENERATORS for d in DISTRIBUTIONS)
