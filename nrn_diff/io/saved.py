"""A captured model in a file: one npz that holds the arrays and a JSON description. Never pickle, never code."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np

from mod_translator import ir, serialize
from nrn_diff import own_init, snapshot
from nrn_diff.errors import SavedModelError
from nrn_diff.snapshot import NERNST_AT_START, NERNST_EACH_STEP, START_CONCENTRATION, Capture

FORMAT = "nrn_diff model"
_CLASSES = {
    cls.__name__: cls
    for module in (snapshot, own_init)
    for cls in vars(module).values()
    if dataclasses.is_dataclass(cls) and isinstance(cls, type)
}

# Formulas are made of these; whatever else of the IR belongs to a mechanism.
_CLASSES |= {cls.__name__: cls for cls in get_args(ir.Expr)}
_PARTS = {cls.__name__: cls for cls in vars(ir).values() if dataclasses.is_dataclass(cls) and isinstance(cls, type)}
_LAYOUT = hashlib.sha256(
    json.dumps({n: [f.name for f in dataclasses.fields(c)] for n, c in sorted((_PARTS | _CLASSES).items())}).encode()
).hexdigest()[:16]


def save(capture: Capture, path: str | os.PathLike[str]) -> None:
    """Write a snapshot; the file appears whole or not at all."""
    arrays: dict[str, np.ndarray] = {}
    document = {"format": FORMAT, "layout": _LAYOUT, "model": _encode(capture, arrays)}
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            text = np.frombuffer(json.dumps(document).encode(), np.uint8)
            np.savez_compressed(file, allow_pickle=False, document=text, **arrays)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def digest(capture: Capture) -> str:
    """Hash of what a user sets in a model, numbers to nine digits.

    What a run leaves behind (STATE and ASSIGNED variables, what the Nernst equation sets) does not count, nor rounding.
    """
    arrays: dict[str, np.ndarray] = {}
    document = _encode(_as_set(capture), arrays)
    sha = hashlib.sha256(json.dumps(_rounded(document), sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        sha.update(f"{name} {array.shape} {array.dtype}".encode())
        if array.dtype.kind == "f":
            mantissa, exponent = np.frexp(array)
            array = np.stack([np.round(mantissa * 1e9), exponent])
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


def _as_set(capture: Capture) -> Capture:
    def kept(data: snapshot.MechanismData, values: Mapping[str, Any]) -> dict[str, Any]:
        left = ("STATE", "ASSIGNED")
        symbols = data.ir.symbols
        return {k: v for k, v in values.items() if k not in symbols or symbols[k].block not in left}

    mechanisms = tuple(
        dataclasses.replace(data, values=kept(data, data.values), globals_=kept(data, data.globals_))
        for data in capture.mechanisms
    )
    ions = []
    for ion in capture.ions:
        start, nernst = ion.style & START_CONCENTRATION, ion.style & (NERNST_AT_START | NERNST_EACH_STEP)
        inside, outside = (np.where(start > 0, 0.0, x) for x in (ion.inside, ion.outside))
        erev, current = np.where(nernst > 0, 0.0, ion.erev), np.zeros_like(ion.current)
        ions.append(dataclasses.replace(ion, inside=inside, outside=outside, erev=erev, current=current))
    cable = dataclasses.replace(capture.cable, v=np.zeros_like(capture.cable.v))
    return dataclasses.replace(capture, notes=(), cable=cable, mechanisms=mechanisms, ions=tuple(ions))


def _rounded(document: Any) -> Any:
    if isinstance(document, dict):
        # Where the mod files are, and on which lines, decides nothing.
        return {key: _rounded(value) for key, value in document.items() if key not in ("file", "loc")}
    if isinstance(document, list):
        return [_rounded(value) for value in document]
    return f"{document:.9g}" if isinstance(document, float) else document


def load(path: str | os.PathLike[str]) -> Capture:
    """Read what `save` wrote. Raises SavedModelError for anything else, FileNotFoundError if there is no file."""
    content = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        document = json.loads(arrays.pop("document").tobytes())
        if document["format"] != FORMAT:
            raise SavedModelError(f"{path} is not a saved nrn_diff model")
        if document.get("layout") != _LAYOUT:
            raise SavedModelError(
                f"{path} was saved by a version of nrn_diff whose models hold other things than those of this one: "
                "capture the model again and save it"
            )
        capture = _decode(document["model"], arrays)
    except SavedModelError:
        raise
    except Exception as error:  # zipfile, zlib, numpy and json each have their own errors for damaged bytes
        raise SavedModelError(f"{path} is not a saved nrn_diff model, or it is damaged ({error})") from error
    if not isinstance(capture, Capture):
        raise SavedModelError(f"{path} does not hold a model")
    return capture


def _encode(item: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(item, ir.Mechanism):
        return {"mechanism": serialize.to_json(item)}
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        fields = {f.name: _encode(getattr(item, f.name), arrays) for f in dataclasses.fields(item)}
        return {"class": type(item).__name__, "fields": fields}
    if isinstance(item, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = item
        return {"array": name}
    if isinstance(item, Mapping):
        return {"map": {key: _encode(value, arrays) for key, value in item.items()}}
    if isinstance(item, tuple | list):
        return {"items": [_encode(value, arrays) for value in item]}
    if isinstance(item, np.generic):
        return item.item()
    if item is None or isinstance(item, bool | int | float | str):
        return item
    raise TypeError(f"cannot save a {type(item).__name__}")


def _decode(node: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(node, dict):
        return node
    if "mechanism" in node:
        return serialize.from_json(node["mechanism"])
    if "array" in node:
        return arrays[node["array"]]
    if "map" in node:
        return {key: _decode(value, arrays) for key, value in node["map"].items()}
    if "items" in node:
        return tuple(_decode(value, arrays) for value in node["items"])
    cls = _CLASSES[node["class"]]
    fields = {name: _decode(value, arrays) for name, value in node["fields"].items()}
    _check(cls, fields)
    return cls(**fields)


def _check(cls: type, fields: Mapping[str, Any]) -> None:
    for name, hint in get_type_hints(cls).items():
        if hint is np.ndarray and not isinstance(fields.get(name), np.ndarray):
            raise SavedModelError(f"field {name!r} of {cls.__name__} is not an array")
        if hint in (int, float, str, bool) and not isinstance(fields.get(name, hint()), int | float | str):
            raise SavedModelError(f"field {name!r} of {cls.__name__} is not a {hint.__name__}")
