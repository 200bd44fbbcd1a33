"""Gradient-based fits: `fit`, bounds by change of variable, losses, checkpoints."""

from .bijections import AbstractBijection, Interval, LogInterval, OneSided, Scaled, for_bounds
from .density import LogDensity
from .descent import default_optimizer, fit
from .errors import CheckpointError, DivergedError, FitError
from .features import (
    AbstractFeature,
    AHPDepth,
    AHPVoltage,
    FISlope,
    InputResistance,
    Mean,
    PeakVoltage,
    RestingPotential,
    SoftSpikeCount,
    SpikeAmplitude,
    SpikeTime,
    SpikeWidth,
    Spread,
    SteadyState,
    ThresholdVoltage,
)
from .few_errors import AbstractSteps, MinimumNorm
from .gauss_newton import gauss_newton
from .identifiability import Identifiability, gauss_newton_product, identifiability
from .losses import TraceMSE, trace_mse
from .protocols import AbsoluteZScores, Protocols, Target, Weighted, ZScores
from .result import FitResult, FitStep
from .search import Progress, SearchResult, search
from .steps import normalised, polyak

__all__ = [
    "AHPDepth",
    "AHPVoltage",
    "AbsoluteZScores",
    "AbstractBijection",
    "AbstractFeature",
    "AbstractSteps",
    "CheckpointError",
    "DivergedError",
    "FISlope",
    "FitError",
    "FitResult",
    "FitStep",
    "Identifiability",
    "InputResistance",
    "Interval",
    "LogDensity",
    "LogInterval",
    "Mean",
    "MinimumNorm",
    "OneSided",
    "PeakVoltage",
    "Progress",
    "Protocols",
    "RestingPotential",
    "Scaled",
    "SearchResult",
    "SoftSpikeCount",
    "SpikeAmplitude",
    "SpikeTime",
    "SpikeWidth",
    "Spread",
    "SteadyState",
    "Target",
    "ThresholdVoltage",
    "TraceMSE",
    "Weighted",
    "ZScores",
    "default_optimizer",
    "fit",
    "for_bounds",
    "gauss_newton",
    "gauss_newton_product",
    "identifiability",
    "normalised",
    "polyak",
    "search",
    "trace_mse",
]
