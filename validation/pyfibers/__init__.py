"""Fibres of pyfibers: MRG with its extracellular layers, and the C fibres with ion accumulation."""
