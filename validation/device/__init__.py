"""The shipped model on an accelerator: a saved model travels, NEURON does not."""
