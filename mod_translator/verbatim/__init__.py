"""C code of VERBATIM blocks to IR."""

from __future__ import annotations

from mod_translator.verbatim.block import verbatim
from mod_translator.verbatim.joining import joined

__all__ = ["joined", "verbatim"]
