"""The page: sections to one HTML file that needs nothing else."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from functools import singledispatch
from html import escape
from importlib import resources
from pathlib import Path

from nrn_diff.report.chart import colour_of, svg
from nrn_diff.report.content import Block, Chart, Code, Facts, Section, Table, Text

_NUMBER = re.compile(r"^[<>~=\s]*[-+\N{MINUS SIGN}]?(\d|\.\d|nan|inf)")


def write_report(path: str | os.PathLike[str], title: str, sections: Sequence[Section], subtitle: str = "") -> Path:
    """Write the report; returns its absolute path. Parent folders are made; the file appears whole or not at all."""
    text = render(title, sections, subtitle)
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, target)
    return target


def render(title: str, sections: Sequence[Section], subtitle: str = "") -> str:
    """The report as HTML text."""
    style = resources.files("nrn_diff.report").joinpath("style.css").read_text(encoding="utf-8")
    body = "\n".join(_section(k, section) for k, section in enumerate(sections))
    links = "".join(f'<a href="#s{k}">{escape(s.title)}</a>' for k, s in enumerate(sections))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>{f"<p>{escape(subtitle)}</p>" if subtitle else ""}<nav>{links}</nav></header>
<main>
{body}
</main>
</body>
</html>
"""


def _section(number: int, section: Section) -> str:
    inside = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="s{number}">\n<h2>{escape(section.title)}</h2>\n{inside}\n</section>'


@singledispatch
def _block(block: Block) -> str:
    raise TypeError(f"a report cannot show {type(block).__name__}; use one of the classes of nrn_diff.report.content")


@_block.register
def _(block: Text) -> str:
    return f"<p>{escape(block.text)}</p>"


@_block.register
def _(block: Code) -> str:
    return f"<pre>{escape(block.text)}</pre>"


@_block.register
def _(block: Facts) -> str:
    cards = []
    for fact in block.facts:
        kind = {None: "", True: " good", False: " bad"}[fact.good]
        cards.append(
            f'<div class="fact{kind}"><span>{escape(fact.label)}</span><strong>{escape(fact.value)}</strong>'
            f"<small>{escape(fact.note)}</small></div>"
        )
    return f'<div class="facts">{"".join(cards)}</div>'


@_block.register
def _(block: Table) -> str:
    numeric = [
        bool(block.rows)
        and all((_NUMBER.match(row[k]) and len(row[k]) < 24) or row[k] in ("", "-") for row in block.rows)
        for k in range(len(block.header))
    ]
    css = [' class="n"' if n else "" for n in numeric]
    caption = f"<caption>{escape(block.caption)}</caption>" if block.caption else ""
    head = "".join(f"<th{c}>{escape(h)}</th>" for h, c in zip(block.header, css, strict=True))
    rows = (
        "<tr>" + "".join(f"<td{c}>{escape(x)}</td>" for x, c in zip(row, css, strict=True)) + "</tr>"
        for row in block.rows
    )
    return (
        f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _is_numeric(cell: str) -> bool:
    return cell in ("", "-") or (_NUMBER.match(cell) is not None and len(cell) < 24)


@_block.register
def _(block: Chart) -> str:
    title = f"<h3>{escape(block.title)}</h3>" if block.title else ""
    keys = "".join(_key(c.label, c.style, colour_of(block, k)) for k, c in enumerate(block.curves))
    caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
    return f'<figure>{title}<div class="legend">{keys}</div>\n{svg(block)}\n{caption}</figure>'


def _key(label: str, style: str, colour: int) -> str:
    sample = f'<path class="{style} c{colour}" d="M1 5L27 5"/>'
    if style == "points":
        sample = f'<g class="points c{colour}"><circle cx="14" cy="5" r="3"/></g>'
    return f'<span class="key"><svg viewBox="0 0 28 10">{sample}</svg>{escape(label)}</span>'
