"""Small networks against NEURON."""
