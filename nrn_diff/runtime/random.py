"""NEURON's streams of random numbers, Random123's Philox4x32-10 (src/gnu/nrnran123.cpp), to the bit.

A stream is five numbers: its place seq = 4 * counter + pick, its three identifiers, and the global index. All of them
are whole and exact in float64. No derivative passes through a number that is drawn.

The stream of the process, of scop_random, exprand, normrand and poisrand (src/oc/scoprand.cpp), is one whole number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_MAX_SEQ = float(0xFFFFFFFFFF)
_WORD = 4294967296.0
_FACTOR, _STEP, _LAST = 2147437301, 453816981, 4294967295


def _philox(counter: tuple[Array, ...], key: Array) -> Array:
    """The four words of a counter of four words, [4, ...]; key: its first word, the second is 0."""
    c0, c1, c2, c3 = counter
    k0, k1 = key, jnp.zeros_like(key)
    for _ in range(_ROUNDS):
        p0, p1 = (jnp.uint64(m) * c.astype(jnp.uint64) for m, c in zip(_MULTIPLIERS, (c0, c2), strict=True))
        high0, high1 = ((p >> jnp.uint64(32)).astype(jnp.uint32) for p in (p0, p1))
        low0, low1 = (p.astype(jnp.uint32) for p in (p0, p1))
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = k0 + jnp.uint32(_WEYL[0]), k1 + jnp.uint32(_WEYL[1])
    return jnp.stack([c0, c1, c2, c3])


def random__dpick(seq: Any, id1: Any, id2: Any, id3: Any, index: Any) -> Array:
    """The uniform number in (0, 1) at a place of a stream (nrnran123_dblpick)."""
    numbers = [jax.lax.stop_gradient(jnp.asarray(x, float)) for x in (seq, id1, id2, id3, index)]
    place, *rest = jnp.broadcast_arrays(*numbers)
    whole = place.astype(jnp.uint64)
    counter = (whole >> jnp.uint64(2)).astype(jnp.uint32)
    first, second, third, key = (x.astype(jnp.uint64).astype(jnp.uint32) for x in rest)
    words = _philox((counter, third, first, second), key)
    pick = (whole & jnp.uint64(3)).astype(jnp.int32)
    word = jnp.take_along_axis(words, pick[None], axis=0)[0]
    return (word.astype(jnp.float64) + 1.0) * (1.0 / 4294967297.0)


def random__normal(seq: Any, id1: Any, id2: Any, id3: Any, index: Any) -> Array:
    """A standard normal number from that place on (nrnran123_normal)."""
    return _polar(seq, id1, id2, id3, index)[0]


def random__after_normal(seq: Any, id1: Any, id2: Any, id3: Any, index: Any) -> Array:
    """The place of the stream after such a number, which takes as many pairs as it takes."""
    return _polar(seq, id1, id2, id3, index)[1]


def random__cached_normal(seq: Any, id1: Any, id2: Any, id3: Any, index: Any) -> Array:
    """The second number of the pair that random__normal takes, which a HOC Random keeps (src/gnu/Normal.cpp)."""
    return _polar(seq, id1, id2, id3, index)[2]


def random__place(seq: Any) -> Array:
    """Where random_setseq goes (nrnran123_setseq)."""
    seq = jax.lax.stop_gradient(jnp.asarray(seq, float))
    inside = jnp.where((seq >= 0.0) & (seq <= _MAX_SEQ), seq, 0.0)
    return (inside.astype(jnp.uint64) & jnp.uint64(0x3FFFFFFFF)).astype(jnp.float64)


def _polar(seq: Any, *stream: Any, pick: Callable[..., Array] = random__dpick) -> tuple[Array, Array, Array]:
    """Both normal numbers of a pair, and the place after it (second)."""
    numbers = [jax.lax.stop_gradient(jnp.asarray(x, float)) for x in (seq, *stream)]
    place, *rest = jnp.broadcast_arrays(*numbers)

    def one(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        at, first, second, done = carry
        u1 = 2.0 * pick(at, *rest) - 1.0
        u2 = 2.0 * pick(at + 1.0, *rest) - 1.0
        w = u1 * u1 + u2 * u2
        here = ~done & (w <= 1.0)
        safe = jnp.where(here, w, 1.0)
        factor = jnp.sqrt((-2.0 * jnp.log(safe)) / safe)
        first, second = jnp.where(here, u1 * factor, first), jnp.where(here, u2 * factor, second)
        return jnp.where(done, at, at + 2.0), first, second, done | here

    nothing = jnp.zeros_like(place)
    start = (place, nothing, nothing, jnp.zeros(place.shape, bool))
    after, first, second, _ = jax.lax.while_loop(lambda c: ~c[3].all(), one, start)
    return first, after, second


def random__ran4(high: Any, low: Any) -> Array:
    """The uniform number in [0, 1) of MCellRan4 (nrnRan4dbl in src/gnu/mcran4.cpp) at a pair of indices."""
    high, low = (jax.lax.stop_gradient(jnp.asarray(x, float)) for x in (high, low))
    n, m = (jnp.mod(x, _WORD).astype(jnp.uint64).astype(jnp.uint32) for x in jnp.broadcast_arrays(high, low))
    m = m ^ _hashed(n, 0xBAA96887, 0x4B0F3B58)
    n = n ^ _hashed(m, 0x1E17D32C, 0xE874F0C3)
    return n.astype(jnp.float64) * (1.0 / _WORD)


def _hashed(word: Array, mask: int, other: int) -> Array:
    w = word ^ jnp.uint32(mask)
    v, w = w >> jnp.uint32(16), w & jnp.uint32(0xFFFF)
    u = ~((v - w) * (v + w))
    return (((u >> jnp.uint32(16)) | (u << jnp.uint32(16))) ^ jnp.uint32(other)) + w * v


def random__ran4_normal(high: Any, low: Any) -> Array:
    """A standard normal number from MCellRan4."""
    return _polar(high, low, pick=random__ran4)[0]


def random__ran4_cached_normal(high: Any, low: Any) -> Array:
    """The second number of that pair."""
    return _polar(high, low, pick=random__ran4)[2]


def random__ran4_after_normal(high: Any, low: Any) -> Array:
    """The high index after that pair."""
    return jnp.mod(_polar(high, low, pick=random__ran4)[1], _WORD)


def random__process_next(place: Any) -> Array:
    """The next place of the stream of the process; the number drawn is that by 2**32 - 1."""
    whole = jax.lax.stop_gradient(jnp.asarray(place, float)).astype(jnp.uint64)
    moved = whole * jnp.uint64(_FACTOR) + jnp.uint64(_STEP)
    return (moved & jnp.uint64(_LAST)).astype(jnp.float64)


def random__process_seed(seed: Any) -> Array:
    """The place where set_seed goes: the seed as C cuts a double to an unsigned int, on the processors in use."""
    seed = jax.lax.stop_gradient(jnp.asarray(seed, float))
    return (seed.astype(jnp.int64).astype(jnp.uint64) & jnp.uint64(_LAST)).astype(jnp.float64)


def random__process_normal(place: Any) -> Array:
    """A standard normal number of the stream of the process (src/scopmath/normrand.cpp)."""
    return _process_polar(place)[0]


def random__process_after_normal(place: Any) -> Array:
    """The place of that stream after such a number."""
    return _process_polar(place)[1]


def random__process_poisson(place: Any, mean: Any) -> Array:
    """A number of events, of the stream of the process (src/scopmath/poisrand.cpp)."""
    return _process_poisson(place, mean)[0]


def random__process_after_poisson(place: Any, mean: Any) -> Array:
    """The place of that stream after such a number."""
    return _process_poisson(place, mean)[1]


def _process_polar(place: Any) -> tuple[Array, Array]:
    at = jax.lax.stop_gradient(jnp.asarray(place, float))

    def one(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        before, number, done = carry
        first = random__process_next(before)
        second = random__process_next(first)
        v1, v2 = (2.0 * (x / _LAST) - 1.0 for x in (first, second))
        s = v1 * v1 + v2 * v2
        here = ~done & (s < 1.0)
        safe = jnp.where(here, s, 0.5)
        number = jnp.where(here, v1 * jnp.sqrt(-2.0 * jnp.log(safe) / safe), number)
        return jnp.where(done, before, second), number, done | here

    start = (at, jnp.zeros_like(at), jnp.zeros(at.shape, bool))
    after, number, _ = jax.lax.while_loop(lambda c: ~c[2].all(), one, start)
    return number, after


def _process_poisson(place: Any, mean: Any) -> tuple[Array, Array]:
    at, mean = (jax.lax.stop_gradient(jnp.asarray(x, float)) for x in jnp.broadcast_arrays(place, mean))
    limit = jnp.exp(-mean)

    def one(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        before, count, product = carry
        goes_on = product >= limit
        after = random__process_next(before)
        return (
            jnp.where(goes_on, after, before),
            jnp.where(goes_on, count + 1.0, count),
            jnp.where(goes_on, product * (after / _LAST), product),
        )

    start = (at, jnp.zeros_like(at), jnp.ones_like(at))
    after, count, _ = jax.lax.while_loop(lambda c: (c[2] >= limit).any(), one, start)
    return count - 1.0, after
