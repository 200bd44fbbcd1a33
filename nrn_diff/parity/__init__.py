"""What is the same as NEURON, what is refused, what cannot be seen; see README.md."""

from nrn_diff.parity.page import page
from nrn_diff.parity.rows import Construct, Feature, Status

__all__ = ["Construct", "Feature", "Status", "page"]
