"""Cells of EModelRunner (Blue Brain Project), built by that package."""
