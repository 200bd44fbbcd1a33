"""The shipped legacy-style model and the stages of `nrn-diff demo`."""
