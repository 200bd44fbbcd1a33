"""float64 and no silent promotion of ranks, for every test that uses JAX."""

import jax

jax.config.update("jax_enable_x64", True)
