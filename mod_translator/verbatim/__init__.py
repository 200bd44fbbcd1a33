"""C code of VERBATIM blocks to IR."""

from __future__ import annotations

from mod_translator.verbatim.block import verbatim
from mod_translator.verbatim.functions import definitions
from mod_translator.verbatim.joining import joined

__all__ = ["definitions", "joined", "verbatim"]
