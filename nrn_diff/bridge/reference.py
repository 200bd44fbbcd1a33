"""h.ref, taken before HOC code can hide it: a HOC variable named `ref` takes its place as an attribute of h."""

from neuron import h

reference = h.ref
