"""What modlunit says about the units of a file."""

from mod_translator.unit_check.check import complaint

__all__ = ["complaint"]
