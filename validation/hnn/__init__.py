"""The network of hnn-core against NEURON."""
