"""Many parameter sets at once, in batches that fit the memory."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .errors import FitError
from .memory import free_memory


def memory_limit() -> int:
    """Bytes that a batch may take: half of what is free on the device, or for this process, now."""
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return (int(statistics["bytes_limit"]) - int(statistics.get("bytes_in_use", 0))) // 2
    free = free_memory()
    return 2**31 if free is None else free // 2


class Batched:
    """A function of one parameter set as one of many: pytrees with a leading axis in, the same out.

    The batch is made smaller, with a warning, until XLA says that it fits the limit (bytes), and again if the device
    runs out of memory after all. on_compile: called with the seconds that each compilation took. Raises FitError if not
    even a single set fits.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        size: int,
        limit: int | None = None,
        on_compile: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.size, self.limit, self._on_compile = size, memory_limit() if limit is None else limit, on_compile
        self._mapped = jax.jit(jax.vmap(function))
        self._compiled: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """The results for all sets, as numpy or jax arrays."""
        n = len(jax.tree.leaves(arguments)[0])
        self.size = min(self.size, n) if self._compiled is None else self.size
        while True:
            try:
                if self._compiled is None:
                    self._compile(arguments)
                return self._in_parts(arguments, n)
            except (MemoryError, jax.errors.JaxRuntimeError) as error:
                if isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                self._shrink(self.size // 2, str(error).splitlines()[0])

    def _compile(self, arguments: Any) -> None:
        while True:
            example = jax.tree.map(lambda x: jnp.zeros((self.size, *np.shape(x)[1:]), jnp.asarray(x).dtype), arguments)
            begin = time.perf_counter()
            compiled = self._mapped.lower(*example).compile()
            self._on_compile(time.perf_counter() - begin)
            analysis = compiled.memory_analysis()
            needed = 0 if analysis is None else analysis.temp_size_in_bytes + analysis.output_size_in_bytes
            if needed <= self.limit:
                self._compiled = compiled
                return
            why = f"{needed / 2**20:.0f} MiB, and {self.limit / 2**20:.0f} MiB may be used"
            self._shrink(min(self.size - 1, math.floor(self.size * self.limit / needed)), why)

    def _shrink(self, size: int, why: str) -> None:
        if size < 1:
            if self.size > 1:
                size = 1
            else:
                raise FitError(f"not even one parameter set fits the memory ({why}); simulate less or raise the limit")
        warnings.warn(f"batch of {self.size} parameter sets is made {size}: {why}", ResourceWarning, stacklevel=4)
        self.size, self._compiled = size, None

    def _in_parts(self, arguments: Any, n: int) -> Any:
        parts = []
        for start in range(0, n, self.size):
            # The last part is filled up, so that one compiled program does for all.
            rows = np.minimum(np.arange(start, start + self.size), n - 1)
            out = self._compiled(*jax.tree.map(lambda x, rows=rows: jnp.asarray(x)[rows], arguments))
            count = min(self.size, n - start)
            parts.append(jax.tree.map(lambda x, k=count: np.asarray(x[:k]), out))
        return jax.tree.map(lambda *x: np.concatenate(x), *parts)
