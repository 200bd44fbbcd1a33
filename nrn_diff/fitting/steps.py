"""Steps whose size does not depend on the size of the gradient, as optax transformations."""

from __future__ import annotations

import optax


def normalised(rate: float = 0.1, steps: int | None = None) -> optax.GradientTransformation:
    """Steps of a given length in the unbounded variables, along the gradient.

    Gradients of spiking models span orders of magnitude; their direction is what can be used. rate: the length at the
    start; steps: if given, it falls to a hundredth along a cosine.
    """
    length = rate if steps is None else optax.cosine_decay_schedule(rate, max(steps, 1), alpha=0.01)
    return optax.chain(optax.normalize_by_update_norm(), optax.scale_by_learning_rate(length))


def polyak(lowest: float = 0.0, longest: float = 0.3) -> optax.GradientTransformationExtraArgs:
    """Polyak's step, (loss - lowest) / |gradient|^2 along the gradient: long far away, short near the target.

    lowest: what the loss can become (0 for z-scores and squared differences). longest: of a step, in the unbounded
    variables.
    """
    return optax.chain(
        optax.polyak_sgd(max_learning_rate=float("inf"), f_min=lowest), optax.clip_by_global_norm(longest)
    )
