"""Mutated mod files by seed, for the fuzzer of the translator."""

from __future__ import annotations

import random
import re
from pathlib import Path

FOLDER = Path(__file__).parent
SEEDS = sorted([*(FOLDER / "translator_mods").glob("*.mod"), *(FOLDER / "driven_mods").glob("*.mod")])
_TOKEN = re.compile(r"\w+|\s+|.", re.S)
_OPERATORS = frozenset("+-*/^<>=")
_STRANGE = (
    *(
        "",
        "{",
        "}",
        "(",
        ")",
        "'",
        '"',
        "\\",
        "\n",
        "\x00",
        "\ufeff",
        "é",
        "𝛼",
        "~",
        "<->",
        "^",
        "&&",
        "||",
        "!",
        ":",
        "?",
    ),
    *("0", "-1", "1e400", "1e-400", "999999999999", "0.0.0", "1.", ".", "0x10", "nan", "inf"),
    *("__import__", "__class__", "lambda", "None", "exp", "v", "dt", "import os", 'os.system("x")', "flag", "self"),
    *(
        "VERBATIM",
        "ENDVERBATIM",
        "COMMENT",
        "ENDCOMMENT",
        "NEURON",
        "STATE",
        "KINETIC",
        "TABLE",
        "FROM",
        "INCLUDE",
        "SOLVE",
    ),
    *("\nVERBATIM\nx = 1;\nENDVERBATIM\n", 'INCLUDE "/etc/passwd"\n', "FROM i = 0 TO 99999 { v = i }", 'TITLE """\n'),
)


def mutant(seed: int) -> str:
    """A mod file of the tests with one to eight changes: the same for the same seed."""
    rng = random.Random(seed)
    tokens = _TOKEN.findall(rng.choice(SEEDS).read_text(encoding="utf-8"))
    if rng.random() < 0.5:  # what mostly stays NMODL
        return "".join(_gently(tokens, rng))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        words = [i for i, token in enumerate(tokens) if token[:1].isalnum()]
        k = rng.choice(words) if words and rng.random() < 0.7 else rng.randrange(len(tokens) or 1)
        action = rng.randrange(7)
        if action == 0:
            del tokens[k : k + rng.randint(1, 6)]
        elif action == 1:
            tokens.insert(k, rng.choice(_STRANGE))
        elif action == 2 and tokens:
            tokens[k] = rng.choice(_STRANGE)
        elif action == 3 and tokens:
            other = rng.randrange(len(tokens))
            tokens[k], tokens[other] = tokens[other], tokens[k]
        elif action == 4 and rng.random() < 0.5:
            tokens[k:k] = tokens[k : k + rng.randint(1, 40)] * rng.randint(1, 3)
        elif action == 5 and words:
            tokens[k : k + 1] = [tokens[rng.choice(words)]]
        elif action == 6 and rng.random() < 0.2:
            del tokens[k:]
        else:
            tokens.insert(k, chr(rng.randrange(1, 0x250)))
    return "".join(tokens)


def _gently(tokens: list[str], rng: random.Random) -> list[str]:
    """Another number, operator or name of the file in place of one to four."""
    kinds = [[i for i, t in enumerate(tokens) if t in _OPERATORS]]
    kinds.append([i for i, t in enumerate(tokens) if t.isdigit()])
    kinds.append([i for i, t in enumerate(tokens) if t.islower() and t.isidentifier()])
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice([k for k in kinds if k])
        others = [tokens[i] for i in kind] + ["0", "-7", "1e9", "10001"] * (kind is kinds[1])
        tokens[rng.choice(kind)] = rng.choice(others)
    return tokens
