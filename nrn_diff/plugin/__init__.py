"""NEURON's own run commands on JAX: see README.md."""

from nrn_diff.plugin.switch import FALLBACK, Fallback, Refuse, RunInNeuron, disable, enable, enabled

__all__ = ["FALLBACK", "Fallback", "Refuse", "RunInNeuron", "disable", "enable", "enabled"]
