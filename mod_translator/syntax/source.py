"""The user's text: comments blanked, INCLUDEs expanded, names numbered so that the parser's AST carries positions.

`neuron.nmodl` gives no positions to Python. Every name in the text is therefore handed to the parser with the number of
its token appended; the names that come back in the AST say where they stood. No name is ever shown or stored that way:
`Source.name` and `Source.place` undo it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mod_translator.errors import IncludeError, NmodlSyntaxError, Place, UnsupportedConstruct
from mod_translator.ir import Loc

_SCAN = re.compile(
    r"""
    (?P<comment>(?<!\w)COMMENT\b.*?ENDCOMMENT)
  | (?P<verbatim>(?<!\w)VERBATIM\b.*?ENDVERBATIM)
  | (?P<represents>(?<!\w)REPRESENTS[ \t]+\[?[A-Za-z]\w*:\w*\]?)
  | (?P<open>(?<!\w)(?:COMMENT|VERBATIM)\b)
  | (?P<title>(?<!\w)TITLE\b[^\n]*)
  | (?P<remark>[:?][^\n]*)
  | (?P<string>"[^"]*")
  | (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[Ee][-+]?\d+)?)
  | (?P<name>[A-Za-z]\w*)
  | (?P<op><->|<<|~\+|==|!=|<=|>=|&&|\|\||[^\s])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)

MAX_CHARACTERS = 2_000_000  # the largest published mod file has 110,000

# Words the parser must see as they are: keywords, methods and the two names its lexer treats specially.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """VERBATIM COMMENT TITLE CONSTANT PARAMETER INDEPENDENT ASSIGNED INITIAL DERIVATIVE EQUATION BREAKPOINT
    CONDUCTANCE SOLVE STATE LINEAR NONLINEAR DISCRETE FUNCTION FUNCTION_TABLE PROCEDURE DEL2 DEL LOCAL METHOD
    STEADYSTATE STEP WITH FROM TO BY if else while IF ELSE WHILE START DEFINE KINETIC CONSERVE VS LAG SWEEP
    COMPARTMENT LONGITUDINAL_DIFFUSION SOLVEFOR UNITS UNITSON UNITSOFF TABLE DEPEND NEURON SUFFIX
    POINT_PROCESS ARTIFICIAL_CELL NONSPECIFIC_CURRENT ELECTRODE_CURRENT RANGE USEION READ REPRESENTS WRITE
    VALENCE CHARGE GLOBAL POINTER RANDOM BBCOREPOINTER EXTERNAL INCLUDE CONSTRUCTOR DESTRUCTOR NET_RECEIVE
    BEFORE AFTER WATCH FOR_NETCONS THREADSAFE PROTECT MUTEXLOCK MUTEXUNLOCK runge euler newton simeq _advance
    sparse matexp derivimplicit cnexp after_cvode cvode_t cvode_t_v f_flux b_flux""",
    )
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the expanded text; line and column are those of the expanded text, from 1."""

    kind: str
    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the expanded text and where it comes from (`outer`: its line in the main file)."""

    text: str
    file: str
    number: int
    outer: int
    original: str


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _clean(text: str, file: str) -> tuple[str, str]:
    """Blank comments and the TITLE; return the text and the title."""
    title = ""

    def replace(match: re.Match[str]) -> str:
        nonlocal title
        kind = match.lastgroup
        if kind == "open":
            line = text.count("\n", 0, match.start()) + 1
            word = match.group()
            place = Place(file, line, 1, text.splitlines()[line - 1])
            raise NmodlSyntaxError(
                f"{word} is never closed", remedy=f"add END{word} after it", code="N102", place=place
            )
        if kind == "title":
            title = title or match.group()[len("TITLE") :].strip()
        return _blank(match.group()) if kind in ("comment", "remark", "title") else match.group()

    return _SCAN.sub(replace, text), title


class Source:
    """One NMODL text with its INCLUDE files.

    marks: whether names are numbered for the parser. Raises NmodlSyntaxError (a comment that is never closed) and
    IncludeError.
    """

    def __init__(
        self, text: str, include_dirs: Sequence[str | os.PathLike[str]] = (), file: str = "", *, marks: bool = True
    ) -> None:
        self.file = file
        self.marks = marks
        self.title = ""
        self._dirs = [Path(d) for d in include_dirs]
        self._dirs += [Path(d) for d in os.environ.get("MODL_INCLUDE", "").split(":") if d]
        self._lines: list[_Line] = []
        self._size = 0
        self._expand(text.replace("\r\n", "\n").replace("\r", "\n"), file, None, ())
        self.text = "\n".join(line.text for line in self._lines)
        self.verbatim: list[str] = []
        self.tokens: list[Token] = self._tokenise()
        defined = {b.text for a, b in zip(self.tokens, self.tokens[1:], strict=False) if a.text == "DEFINE"}
        self._plain = RESERVED | defined
        self._mark = next(m for i in range(10**6) if (m := f"_at{i or ''}_") not in self.text)
        self._marked = re.compile(rf"{self._mark}(\d+)_")

    # ------------------------------------------------------------------------------------------------ reading

    def _expand(self, text: str, file: str, outer: int | None, stack: tuple[str, ...]) -> None:
        self._size += len(text) + 100  # of an empty file too
        if self._size > MAX_CHARACTERS:
            raise UnsupportedConstruct(
                f"more than {MAX_CHARACTERS} characters, with the INCLUDE files",
                remedy="split the file",
                code="U194",
                place=Place(file, 1),
            )
        clean, title = _clean(text, file)
        self.title = self.title or title
        original = text.split("\n")
        for number, (line, shown) in enumerate(zip(clean.split("\n"), original, strict=True), start=1):
            main = outer or number
            start = 0
            for match in re.finditer(r'(?<!\w)INCLUDE\s*"([^"]*)"', line):
                self._lines.append(_Line(" " * start + line[start : match.start()], file, number, main, shown))
                start = match.end()
                place = Place(file, number, match.start() + 1, shown)
                path = self._find(match.group(1), file, place)
                if str(path) in stack:
                    raise IncludeError(
                        f"{match.group(1)} includes itself", remedy="remove one INCLUDE", code="N103", place=place
                    )
                self._expand(_read(path, place), str(path), main, (*stack, str(path)))
            self._lines.append(_Line(" " * start + line[start:], file, number, main, shown))

    def _find(self, name: str, file: str, place: Place) -> Path:
        folders = [Path(file).parent, *self._dirs] if file else self._dirs
        for folder in folders:
            if (folder / name).is_file():
                return folder / name
        searched = ", ".join(str(f) for f in folders) or "no folder"
        raise IncludeError(
            f'cannot find "{name}" (searched: {searched})',
            remedy="put the file beside the .mod file, or name its folder in include_dirs (--include-dir)",
            code="N104",
            place=place,
        )

    def _tokenise(self) -> list[Token]:
        tokens = []
        starts = [0]
        for line in self._lines:
            starts.append(starts[-1] + len(line.text) + 1)
        row = 1
        for match in _SCAN.finditer(self.text):
            while starts[row] <= match.start():
                row += 1
            kind, word = match.lastgroup or "", match.group()
            if kind == "verbatim":
                self.verbatim.append(word[len("VERBATIM") : -len("ENDVERBATIM")])
            tokens.append(Token(kind, word, row, match.start() - starts[row - 1] + 1))
        return tokens

    # --------------------------------------------------------------------------------------------- to the parser

    def marked(self) -> str:
        """Return the text for the parser: names carry their token number; VERBATIM bodies are their numbers."""
        rows = [""] * len(self._lines)
        self._columns: list[list[tuple[int, int]]] = [[] for _ in self._lines]
        verbatim = 0
        previous = Token("", "", 0, 0)
        for index, token in enumerate(self.tokens):
            row = token.line - 1
            piece = token.text
            if self.marks and token.kind == "name" and piece not in self._plain:
                piece += f"{self._mark}{index}_"
            elif token.kind == "number" and piece.isdigit() and int(piece) >= 2**31:
                piece += ".0"  # the parser's lexer reads integers with atoi
            elif token.kind == "verbatim":
                piece = f"VERBATIM {verbatim} ENDVERBATIM"
                verbatim += 1
            touches = previous.line == token.line and previous.column + len(previous.text) == token.column
            rows[row] += "" if touches else " "
            self._columns[row].append((len(rows[row]) + 1, index))
            rows[row] += piece
            previous = token
        return "\n".join(rows) + "\n"

    # ------------------------------------------------------------------------------------------- from the parser

    def name(self, marked: str) -> str:
        """Return the user's name."""
        return self._marked.sub("", marked)

    def token(self, marked: str) -> int | None:
        """Return the index of the token that a marked name stands for."""
        found = self._marked.search(marked)
        return int(found.group(1)) if found else None

    def place(self, index: int | None) -> Place:
        """Return the place of a token in the user's own files."""
        if index is None or not self.tokens:
            return Place(self.file)
        token = self.tokens[min(index, len(self.tokens) - 1)]
        return self._place(token.line, token.column)

    def _place(self, row: int, column: int) -> Place:
        line = self._lines[min(row, len(self._lines)) - 1]
        return Place(line.file, line.number, column, line.original)

    def loc(self, index: int | None) -> Loc:
        """Return line and column in the main file; for a token of an INCLUDE file the line of the INCLUDE."""
        if index is None:
            return Loc(1, 1)
        token = self.tokens[index]
        line = self._lines[token.line - 1]
        inside = line.file != self.file
        return Loc(line.outer, 1 if inside else token.column)

    def place_of(self, loc: Loc | None) -> Place:
        """Return the place of a Loc of the main file."""
        if loc is None:
            return Place(self.file)
        lines = (line for line in self._lines if line.file == self.file and line.number == loc.line)
        original = next((line.original for line in lines), "")
        return Place(self.file, loc.line, loc.column, original)

    def before(self, index: int, *words: str) -> int:
        """Return the nearest token at or before `index` that is one of `words`; `index` if there is none."""
        for i in range(index, -1, -1):
            if self.tokens[i].text in words:
                return i
        return index

    def parser_place(self, row: int, column: int) -> Place:
        """Return the place of what the parser calls (row, column) of the marked text."""
        row = min(max(row, 1), len(self._lines))
        at = [index for start, index in self._columns[row - 1] if start <= column]
        if at:
            return self.place(at[-1])
        earlier = [index for r in range(row) for _, index in self._columns[r]]
        return self.place(earlier[-1] if earlier else 0)


def _read(path: Path, place: Place) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IncludeError(
            f"cannot read {path}: {error.strerror}", remedy="check the permissions", code="N105", place=place
        ) from error
    return decode(raw).replace("\r\n", "\n").replace("\r", "\n")


def decode(raw: bytes) -> str:
    """Return text from a file's bytes: UTF-8, or Latin-1 where it is not (old files hold accents and degree signs)."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
