"""Self-contained HTML reports."""

from nrn_diff.report.content import Chart, Code, Curve, Fact, Facts, Section, Table, Text
from nrn_diff.report.page import render, write_report

__all__ = ["Chart", "Code", "Curve", "Fact", "Facts", "Section", "Table", "Text", "render", "write_report"]
