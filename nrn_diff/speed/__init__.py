"""Speed of NEURON, of this and of Jaxley on the same tree, each in its own process; `nrn-diff speed` prints it."""
