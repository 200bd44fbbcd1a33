"""Between the live NEURON process and plain data: capture, refusals, write-back, inspection."""

from nrn_diff.bridge.capture import capture_snapshot
from nrn_diff.bridge.write_back import write_back

__all__ = ["capture_snapshot", "write_back"]
