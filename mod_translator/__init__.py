"""NMODL to a small typed IR, and the IR to readable JAX modules. Imports neither jax nor nrn_diff."""

from mod_translator.api import Translation, check, lower, translate
from mod_translator.errors import (
    IncludeError,
    MissingNeuronError,
    NmodlSyntaxError,
    SemanticError,
    SharedStateError,
    TranslationError,
    TranslationErrors,
    UnsupportedConstruct,
)
from mod_translator.report import Report

__all__ = [
    "IncludeError",
    "MissingNeuronError",
    "NmodlSyntaxError",
    "Report",
    "SemanticError",
    "SharedStateError",
    "Translation",
    "TranslationError",
    "TranslationErrors",
    "UnsupportedConstruct",
    "check",
    "lower",
    "translate",
]
