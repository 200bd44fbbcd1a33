"""Gradients of published cells against finite differences of NEURON."""
