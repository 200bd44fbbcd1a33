"""Measured traces from files, on the samples of a model. CSV needs nothing; HDF5, NWB and ABF the extra `traces`."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from typing import Any

import numpy as np

from .errors import FitError

Array = np.ndarray


def read_trace(path: str | Path, column: str = "", *, time: str = "", unit: float = 1.0) -> tuple[Array, Array]:
    """Times (ms) and values of one trace in a file, [n] each.

    .csv, .txt: `column` and `time` are names in the first line, or numbers counted from 0 (default: 1 and 0).
    .h5, .hdf5: names of data sets; `time` may be a number, the sampling interval (ms). .nwb: `column` is the name of an
    acquisition or stimulus series, whose own rate or timestamps (s) and conversion (to mV or nA) are used. .abf:
    `column` is the number of the sweep (of the first channel), whose unit is turned into mV or nA. Times of NWB and ABF
    start at 0. unit: multiplies the values. Raises FitError for what cannot be read.
    """
    path = Path(path)
    readers = {".csv": _csv, ".txt": _csv, ".h5": _hdf5, ".hdf5": _hdf5, ".nwb": _nwb, ".abf": _abf}
    if path.suffix not in readers:
        raise FitError(f"{path}: traces are read from {', '.join(readers)}")
    try:
        t, x = readers[path.suffix](path, column, time)
    except (OSError, KeyError, ValueError, IndexError, struct.error) as error:
        raise FitError(f"{path}: trace {column!r} cannot be read: {error}") from error
    t, x = np.asarray(t, float), np.asarray(x, float) * unit
    if t.shape != x.shape or t.ndim != 1 or len(t) < 2 or not np.all(np.diff(t) > 0):
        raise FitError(f"{path}: times must increase and be as many as values ({t.shape}, {x.shape})")
    return t, x


def on_samples(t: Array, x: Array, samples: Array) -> Array:
    """The trace at the samples of a model (ms), by linear interpolation; NaN outside of what was measured."""
    return np.interp(samples, t, x, left=np.nan, right=np.nan)


def _csv(path: Path, column: str, time: str) -> tuple[Any, Any]:
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        raise ValueError("the file is empty")
    first = text.splitlines()[0]
    delimiter = next((d for d in (",", ";", "\t") if d in first), None)
    names = [name.strip().strip('"') for name in first.split(delimiter)]
    header = not all(_is_number(name) for name in names)
    data = np.loadtxt(path, delimiter=delimiter, skiprows=int(header), ndmin=2)

    def place(which: str, default: int) -> int:
        if not which:
            return default
        return names.index(which) if header and which in names else int(which)

    return data[:, place(time, 0)], data[:, place(column, 1)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _library(name: str, path: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise FitError(f"{path}: reading it needs the package {name}: pip install 'nrn-diff[traces]'") from None


def _hdf5(path: Path, column: str, time: str) -> tuple[Any, Any]:
    with _library("h5py", path).File(path, "r") as file:
        x = file[column][()]
        t = np.arange(len(x)) * float(time) if _is_number(time) else file[time][()]
    return t, x


def _nwb(path: Path, column: str, time: str) -> tuple[Any, Any]:
    del time
    with _library("pynwb", path).NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        if column not in file.acquisition and column not in file.stimulus:
            there = "; ".join(", ".join(group) for group in (file.acquisition, file.stimulus))
            raise ValueError(f"the file has {there}")
        series = file.acquisition[column] if column in file.acquisition else file.stimulus[column]
        # NWB has volts, amperes and seconds.
        scale = _scale({"volts": 1e3, "amperes": 1e9}, series.unit)
        x = np.asarray(series.data[:]) * series.conversion + series.offset
        t = np.asarray(series.timestamps[:]) if series.rate is None else np.arange(len(x)) / series.rate
    return (t - t[0]) * 1e3, x * scale


def _abf(path: Path, column: str, time: str) -> tuple[Any, Any]:
    del time
    file = _library("pyabf", path).ABF(str(path))
    number = int(column or 0)
    if not 0 <= number < file.sweepCount:
        raise ValueError(f"the file has {file.sweepCount} sweeps, counted from 0")
    file.setSweep(number)
    scale = _scale({"mV": 1.0, "V": 1e3, "uV": 1e-3, "nA": 1.0, "pA": 1e-3, "A": 1e9}, file.sweepUnitsY)
    return file.sweepX * 1e3, file.sweepY * scale


def _scale(known: dict[str, float], unit: str) -> float:
    """Factor to mV or nA."""
    if unit not in known:
        raise ValueError(f"its unit is {unit!r}, not one of {', '.join(known)}")
    return known[unit]
