"""The scripts of NEURON's own tests, examples and demonstration under `nrn-diff run`."""
