"""Measured traces from files, on the samples of a model. CSV needs nothing; HDF5, NWB and ABF the extra `traces`."""

from __future__ import annotations

import importlib
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .errors import FitError

Array = np.ndarray

# What a trace must have inside of a run: samples, none far from the next, and not in a corner of it.
_FEWEST, _LONGEST_GAP, _SHORTEST = 10, 0.1, 0.01
# mV: beyond these bounds the largest voltage of a trace is in another unit.
_SMALLEST, _LARGEST = 1.0, 500.0


def read_trace(path: str | Path, column: str = "", *, time: str = "", unit: float = 1.0) -> tuple[Array, Array]:
    """Times (ms) and values of one trace in a file, [n] each.

    .csv, .txt: `column` and `time` are names in the first line, or numbers counted from 0 (default: 1 and 0).
    .h5, .hdf5: names of data sets; `time` may be a number, the sampling interval (ms). .nwb: `column` is the name of an
    acquisition or stimulus series, whose own rate or timestamps (s) and conversion (to mV or nA) are used. .abf:
    `column` is the number of the sweep (of the first channel), whose unit is turned into mV or nA. Times of NWB and ABF
    start at 0. unit: multiplies the values; NaN among them stays. Raises FitError for what cannot be read.
    """
    path = Path(path)
    readers = {".csv": _csv, ".txt": _csv, ".h5": _hdf5, ".hdf5": _hdf5, ".nwb": _nwb, ".abf": _abf}
    if path.suffix not in readers:
        raise FitError(f"{path}: traces are read from {', '.join(readers)}")
    try:
        t, x = readers[path.suffix](path, column, time)
        t, x = np.asarray(t, float), np.asarray(x, float) * unit
    except (OSError, KeyError, TypeError, ValueError, IndexError, struct.error) as error:
        raise FitError(f"{path}: trace {column!r} cannot be read: {error}") from error
    if t.shape != x.shape or t.ndim != 1 or len(t) < 2:
        raise FitError(f"{path}: there must be as many times as values, two at least, not {t.shape} and {x.shape}")
    wrong = np.flatnonzero(~(np.diff(t) > 0))
    if len(wrong):
        k = int(wrong[0])
        raise FitError(f"{path}: times must increase; number {k} is {t[k]:g} ms and the next {t[k + 1]:g} ms")
    return t, x


def check_measured(label: str, t: Array, x: Array, low: float, high: float, *, in_mV: bool) -> None:
    """Refuse a trace for the run from `low` to `high` (ms) that must be a mistake.

    in_mV: whether the values must be voltages in mV. Raises FitError for samples that are not finite, for fewer than
    ten, for a gap of more than a tenth of the time, and for voltages that are those of no cell in mV.
    """
    inside = (t >= low) & (t <= high)
    part = f"from {low:g} to {high:g} ms"
    if not inside.any():
        raise FitError(f"{label}: no sample is {part}; the trace has {t[0]:g} to {t[-1]:g} ms")
    if not np.all(np.isfinite(x[inside])):
        k = int(np.flatnonzero(inside & ~np.isfinite(x))[0])
        raise FitError(f"{label}: sample {k}, at {t[k]:g} ms, is {x[k]}; leave it out, or use `from` and `to`")
    if inside.sum() < _FEWEST or max(np.diff(t[inside])) > _LONGEST_GAP * (high - low):
        raise FitError(
            f"{label}: only {inside.sum()} samples, {np.median(np.diff(t)):g} ms apart, {part}: are its times in ms?"
        )
    if t[inside][-1] - t[inside][0] < _SHORTEST * (high - low):
        raise FitError(
            f"{label}: its samples {part} are those from {t[inside][0]:g} to {t[inside][-1]:g} ms only: are its times "
            "in ms? If so, say with `from` and `to` which part of the run counts"
        )
    size = np.max(np.abs(x[inside]))
    if in_mV and not _SMALLEST < size < _LARGEST:
        raise FitError(
            f"{label}: its largest value is {size:g}, which no voltage in mV is; `unit` is the factor to mV "
            "(1000 for V, 0.001 for uV)"
        )


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file without data
        data = np.loadtxt(path, delimiter=delimiter, skiprows=int(header), ndmin=2)

    def place(which: str, default: int) -> int:
        if header and which in names:
            return names.index(which)
        if which and not which.isdigit():
            there = f"there are {', '.join(names)}" if header else f"they are counted, from 0 to {data.shape[1] - 1}"
            raise ValueError(f"no column {which!r}; {there}")
        number = int(which or default)
        if number >= data.shape[1]:
            raise ValueError(f"no column {number}; there are {data.shape[1]}, counted from 0")
        return number

    if not len(data):
        raise ValueError("there are no numbers")
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
        for name in (column, *(() if _is_number(time) else (time,))):
            if name not in file or not hasattr(file[name], "shape"):
                raise ValueError(f"no data set {name!r}; there are {', '.join(file)}")
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
