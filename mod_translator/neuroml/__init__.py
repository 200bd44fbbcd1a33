"""NeuroML 2 to the IR; see README.md."""

from mod_translator.neuroml.lower import lower, one

__all__ = ["lower", "one"]
