"""Every mod file of a set: translated, or refused for a reason, and equal to NEURON in a driven compartment."""
