"""LOCAL variables: NMODL's nested scopes made flat, with names that collide with nothing else in the file."""

from __future__ import annotations

from collections.abc import Iterable

from mod_translator.ir import Expr, Num, Var


class Scope:
    """The locals of one routine.

    Every local gets a name that no file-level variable, block, intrinsic or other local of the routine has.
    """

    def __init__(self, taken: Iterable[str], function: str = "") -> None:
        self.taken = set(taken)
        self.function = function  # the FUNCTION whose value the routine computes
        self.frames: list[dict[str, Expr | tuple[str, ...]]] = [{}]
        self.locals: list[str] = []
        self.whole: set[str] = set()  # locals that hold whole numbers only

    def fresh(self, wanted: str) -> str:
        """Return `wanted`, or `wanted` with something appended, so that it is new; reserve it."""
        name, tail = wanted, 1
        while name in self.taken:
            name = f"{wanted}_" if tail == 1 else f"{wanted}_{tail}"
            tail += 1
        self.taken.add(name)
        self.locals.append(name)
        return name

    def declare(self, name: str, length: int = 0) -> str:
        """Declare a local of the innermost scope; an array becomes one local for each element."""
        if length:
            self.frames[-1][name] = tuple(self.fresh(f"{name}_{i}") for i in range(length))
            return name
        fresh = self.fresh(name)
        self.frames[-1][name] = Var(fresh)
        return fresh

    def bind(self, name: str, value: int) -> None:
        """Make a name stand for an integer in the innermost scope (the variable of an unrolled FROM)."""
        self.frames[-1][name] = Num(float(value), str(value))

    def bind_to(self, name: str, value: Expr) -> None:
        """Make a name stand for an expression in the innermost scope."""
        self.frames[-1][name] = value

    def find(self, name: str) -> Expr | tuple[str, ...] | None:
        """Return what a name stands for: a variable, a number, the elements of an array; None if it is no local."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return None

    def push(self) -> None:
        """Open an inner scope."""
        self.frames.append({})

    def pop(self) -> None:
        """Close the innermost scope."""
        self.frames.pop()
