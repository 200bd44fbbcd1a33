"""Checkpoints of a fit: one npz file with a JSON header, replaced atomically, never a pickle.

A process that fits holds a lock beside the file, so that two processes cannot take turns in it; the lock goes with the
process, also when that is killed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import CheckpointError

Array = np.ndarray
FORMAT = "nrn_diff fit checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a fit between two updates.

    step: updates made. z, best_z: name -> unbounded values, now and at the smallest loss. optimizer: leaves of its
    state. losses [step]: before each update. problem: what the fit is of, field by field. first_loss: of the start.
    """

    step: int
    z: dict[str, Array]
    best_z: dict[str, Array]
    best_loss: float
    optimizer: tuple[Array, ...]
    losses: Array
    seconds: float
    problem: dict[str, str]
    first_loss: float


def save(path: Path, state: Checkpoint) -> None:
    """Write the checkpoint beside `path` and move it there in one step. Raises CheckpointError where that fails."""
    names = list(state.z)
    header = {
        "format": FORMAT,
        "step": state.step,
        "names": names,
        "optimizer_leaves": len(state.optimizer),
        "best_loss": state.best_loss.hex(),
        "first_loss": state.first_loss.hex(),
        "seconds": state.seconds,
        "problem": state.problem,
    }
    arrays = {f"z{i}": np.asarray(state.z[name]) for i, name in enumerate(names)}
    arrays |= {f"b{i}": np.asarray(state.best_z[name]) for i, name in enumerate(names)}
    arrays |= {f"o{i}": np.asarray(leaf) for i, leaf in enumerate(state.optimizer)}
    write(path, header, arrays | {"losses": np.asarray(state.losses, np.float64)})


def write(path: Path, header: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Write a header (JSON) and arrays beside `path` and move them there in one step. Raises CheckpointError."""
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, header=text, **arrays)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise CheckpointError(f"cannot write the checkpoint {path}: {error.strerror}") from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises CheckpointError for a file that is none, or damaged."""
    with reading(path, FORMAT) as (header, data):
        names = header["names"]
        return Checkpoint(
            step=int(header["step"]),
            z={name: data[f"z{i}"] for i, name in enumerate(names)},
            best_z={name: data[f"b{i}"] for i, name in enumerate(names)},
            best_loss=float.fromhex(header["best_loss"]),
            optimizer=tuple(data[f"o{i}"] for i in range(header["optimizer_leaves"])),
            losses=data["losses"],
            seconds=float(header["seconds"]),
            problem=dict(header["problem"]),
            first_loss=float.fromhex(header["first_loss"]),
        )


@contextlib.contextmanager
def reading(path: Path, version: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """Header and arrays of a file of `write`. Raises CheckpointError for another kind of file or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as data:
            header = json.loads(data["header"].tobytes().decode())
            if header["format"] != version:
                raise CheckpointError(f"{path} is of another version ({header['format']!r}, this is {version!r})")
            yield header, data
    except CheckpointError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path} is no checkpoint of a fit, or damaged; delete it or give another path"
        ) from error


def check_problem(path: Path, found: Checkpoint, problem: dict[str, str]) -> None:
    """Raises CheckpointError, naming the fields that differ, unless the checkpoint is of this problem."""
    fields = [key for key in sorted({*problem, *found.problem}) if problem.get(key) != found.problem.get(key)]
    if fields:
        raise _of_another(path, ", ".join(fields))


def check_first_loss(path: Path, found: Checkpoint, first_loss: float) -> None:
    """Raises CheckpointError unless the start has the loss it had; rounding may differ on another machine.

    It stands for the model and for a loss function that cannot describe itself.
    """
    if not np.isclose(first_loss, found.first_loss, rtol=1e-6, atol=0.0):
        raise _of_another(path, f"loss of the start ({found.first_loss:.9g} there, {first_loss:.9g} here)")


def _of_another(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"{path} belongs to another fit, it differs in: {what}. "
        "Give another checkpoint path, delete the file, or pass resume=False to start over"
    )


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a checkpoint, a file beside it that goes with the lock.

    Raises CheckpointError while another process holds it.
    """
    lock_path = path.with_name(f"{path.name}.lock")
    file = _locked_file(lock_path, path)
    with file:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows removes no open file
                lock_path.unlink()


def _locked_file(lock_path: Path, path: Path) -> Any:
    while True:
        try:
            file = lock_path.open("a")
        except OSError as error:
            raise CheckpointError(f"cannot write beside the checkpoint {path}: {error.strerror}") from error
        try:
            _lock(file, path)
            # Whoever had the lock may have removed the file between the two calls: that lock keeps nobody out.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), lock_path.stat()):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: Any, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: atomic replacement alone still keeps the file whole.
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CheckpointError(
            f"another process is fitting with the checkpoint {path}; give this fit its own"
        ) from error
    except OSError:  # A file system without locks.
        return
