"""Line folding, docstrings and numbers of the printed module."""

from __future__ import annotations

WIDTH = 110
INDENT = "    "
_OPEN, _CLOSE = "([{", ")]}"


def clean(text: str) -> str:
    """Return the author's text on one line, safe inside a docstring."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.replace("\\", "\\\\").replace('"', "'").strip()


def docstring(lines: list[str], indent: str = INDENT) -> list[str]:
    """Return a docstring of cleaned lines."""
    kept = [f"{' ' * (len(line) - len(line.lstrip()))}{clean(line)}" for line in lines]
    if len(kept) == 1:
        return [f'{indent}"""{kept[0]}"""']
    return [f'{indent}"""{kept[0]}', *(f"{indent}{line}".rstrip() for line in kept[1:]), f'{indent}"""']


def _split(text: str, separators: tuple[str, ...]) -> list[str]:
    """Cut before each separator that stands outside brackets."""
    parts, depth, start = [], 0, 0
    for k, char in enumerate(text):
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        elif depth == 0 and k > start and text.startswith(separators, k):
            parts.append(text[start:k])
            start = k
    return [*parts, text[start:]]


def _bracket(text: str) -> tuple[str, str, str] | None:
    """Cut a text that ends with a bracketed list into what stands before, inside and behind it."""
    depth = 0
    for k in range(len(text) - 1, -1, -1):
        if text[k] in _CLOSE:
            depth += 1
        elif text[k] in _OPEN:
            depth -= 1
            if depth == 0:
                return text[: k + 1], text[k + 1 : -1], text[-1]
    return None


def _fill(parts: list[str], indent: str) -> list[str]:
    lines = [indent + parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + 1 + len(part) <= WIDTH:
            lines[-1] += " " + part
        else:
            lines.append(indent + part)
    return lines


def fold(line: str, indent: str) -> list[str]:
    """Return a statement, over several lines if it is too long for one."""
    if len(indent) + len(line) <= WIDTH:
        return [indent + line]
    head, value = "", line
    if line.startswith(("return ", "lambda ")):
        head, value = "return ", line.removeprefix("return ")
    elif " = " in line and not line.startswith("def "):
        head, value = line.split(" = ", 1)
        head += " = "
    if not line.startswith("def "):
        for separators in ((" + ", " - "), (" * ", " / ")):
            parts = [p.strip() for p in _split(value, separators)]
            if len(parts) > 1:
                return [f"{indent}{head}(", *_fill(parts, indent + INDENT), f"{indent})"]
    behind = ":" if value.endswith(":") else ""
    cut = _bracket(value.removesuffix(":"))
    if cut is None or (cut[0] == "(" and head == ""):
        return [indent + line]
    before, inside, close = cut
    called = close != ")" or before[-2:-1].isidentifier() or before[-2:-1].isdigit()
    if not called and len(_split(inside, (",",))) == 1:  # brackets around one expression: a comma would make a tuple
        parts = next((p for s in ((" + ", " - "), (" * ", " / ")) if len(p := _split(inside, s)) > 1), [inside])
        filled = _fill([p.strip() for p in parts], indent + INDENT)
        return [f"{indent}{head}{before}", *filled, f"{indent}{close}{behind}"]
    items = [p.strip(", ") for p in _split(inside, (", ",))]
    filled = _fill([f"{item}," for item in items], indent + INDENT)
    return [f"{indent}{head}{before}", *filled, f"{indent}{close}{behind}"]
