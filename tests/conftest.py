"""float64 and no silent promotion of ranks, for every test that uses JAX; compiled programs are shared by all tests."""

import os

from neuron_process import cache_dir

# Before JAX is imported, and inherited by the processes that the tests start: a program is compiled once for all.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache_dir() / "programs"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")

import jax
import pytest

jax.config.update("jax_enable_x64", True)


@pytest.fixture(autouse=True, scope="module")
def _compiled_programs_do_not_pile_up():
    """A worker runs hundreds of tests; what they compiled would stay in its memory."""
    yield
    jax.clear_caches()
