"""From the text of an emitted module to a module: the only place of the project where text is executed."""

from __future__ import annotations

import functools
import hashlib
import linecache
import types

import jax.numpy as jnp


class Float64Required(RuntimeError):  # noqa: N818
    """JAX is in its default single precision, in which no number of NEURON can be reproduced."""

    def __init__(self) -> None:
        super().__init__(
            "nrn_diff computes in float64 like NEURON, but JAX has it off. Turn it on before the first JAX array: "
            'jax.config.update("jax_enable_x64", True), or JAX_ENABLE_X64=1 in the environment.'
        )


def require_float64() -> None:
    """Raise Float64Required if JAX would cut numbers to float32."""
    if jnp.zeros(()).dtype != jnp.float64:
        raise Float64Required


def load_module(source: str, name: str) -> types.ModuleType:
    """Execute a module that `mod_translator.emit.emit` printed; the same text gives the same module.

    `name` is for tracebacks, which show the lines of the text. Raises Float64Required.
    """
    require_float64()
    return _load(source, name)


@functools.lru_cache(maxsize=1024)
def _load(source: str, name: str) -> types.ModuleType:
    file = f"<{name}:{hashlib.sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = types.ModuleType(name)
    module.__file__ = file
    exec(compile(source, file, "exec"), module.__dict__)
    return module
