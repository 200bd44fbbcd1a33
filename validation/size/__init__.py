"""Cost of a step against the number of segments, and of batches of parameter sets."""
