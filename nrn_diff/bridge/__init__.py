"""Between the live NEURON process and plain data: capture, refusals, write-back, inspection."""

from nrn_diff.bridge.capture import capture_snapshot

__all__ = ["capture_snapshot"]
