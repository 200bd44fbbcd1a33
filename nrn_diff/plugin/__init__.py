"""NEURON's own run commands on JAX: see README.md."""

from nrn_diff.plugin.switch import (
    FALLBACK,
    Fallback,
    Refuse,
    RunInNeuron,
    disable,
    enable,
    enabled,
    last_error,
    runs_made,
    summary,
)

__all__ = [
    "FALLBACK",
    "Fallback",
    "Refuse",
    "RunInNeuron",
    "disable",
    "enable",
    "enabled",
    "last_error",
    "runs_made",
    "summary",
]
