"""Whole ModelDB models against NEURON."""
