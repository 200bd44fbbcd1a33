"""Gradient-based fits: `fit`, bounds by change of variable, losses, checkpoints."""

from .bijections import AbstractBijection, Interval, LogInterval, OneSided, Scaled, for_bounds
from .descent import default_optimizer, fit
from .errors import CheckpointError, DivergedError, FitError
from .gauss_newton import gauss_newton
from .losses import TraceMSE, trace_mse
from .result import FitResult, FitStep

__all__ = [
    "AbstractBijection",
    "CheckpointError",
    "DivergedError",
    "FitError",
    "FitResult",
    "FitStep",
    "Interval",
    "LogInterval",
    "OneSided",
    "Scaled",
    "TraceMSE",
    "default_optimizer",
    "fit",
    "for_bounds",
    "gauss_newton",
    "trace_mse",
]
