"""Real models against NEURON; see README.md."""
