"""Run code against real NEURON in a fresh process, with mod files compiled on demand.

Mechanism names collide within one process and NEURON cannot unload a mechanism, so each test that needs NEURON gets its
own process:

    from neuron_process import run_function, run_source

    def cable(nseg):                      # module level, arguments are JSON values
        from neuron import h
        ...
        return {"v": np.asarray(v), "spikes": 7}

    def test_cable():
        out = run_function(cable, nseg=5)                       # {"v": ndarray, "spikes": 7}
        out = run_source("from neuron import h\nout['t'] = h.t")  # names put into `out`
        out = run_function(cable, mods={"kx.mod": KX_TEXT}, nseg=5)   # or mods=Path("folder/of/mods")

Mods are compiled by nrnivmodl once for each content, into a cache that processes may share at the same time.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
Mods = Mapping[str, str] | str | Path
_ARRAY = "__array__"
_CHILD = "NRN_DIFF_TEST_CHILD"


class NeuronProcessError(RuntimeError):
    """The child process failed; the message holds the end of its output."""


def cache_dir() -> Path:
    """The folder of compiled mods: $NRN_DIFF_TEST_CACHE, or one for each user under the temporary folder."""
    default = Path(tempfile.gettempdir()) / f"nrn-diff-test-mods-{os.getuid()}"
    return Path(os.environ.get("NRN_DIFF_TEST_CACHE", default))


def _mod_texts(mods: Mods) -> dict[str, bytes]:
    if isinstance(mods, Mapping):
        return {name: text.encode() for name, text in sorted(mods.items())}
    folder = Path(mods)
    texts = {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix in {".mod", ".inc"}}
    if not any(name.endswith(".mod") for name in texts):
        raise NeuronProcessError(f"{folder} has no .mod file")
    return texts


def compile_mods(mods: Mods) -> Path:
    """Compile a folder (or a mapping file name -> text) with nrnivmodl; returns the shared library.

    Raises NeuronProcessError with the compiler's output.
    """
    from neuron import __version__ as neuron_version

    texts = _mod_texts(mods)
    key = hashlib.sha256(repr((neuron_version, sys.version, sorted(texts.items()))).encode()).hexdigest()[:24]
    folder = cache_dir() / key
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".done").exists():
            for name, text in texts.items():
                (folder / name).write_bytes(text)
            # nrnivmodl looks for its own python, so the environment of this interpreter must come first.
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
            done = subprocess.run(
                ["nrnivmodl", "."],
                cwd=folder,
                env={**os.environ, "PATH": path},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise NeuronProcessError(f"nrnivmodl failed on {', '.join(texts)}\n{done.stdout[-6000:]}")
            (folder / ".done").touch()
    libraries = [*folder.glob("*/libnrnmech.*"), *folder.glob("*/.libs/libnrnmech.*")]
    if not libraries:
        raise NeuronProcessError(f"nrnivmodl left no libnrnmech under {folder}")
    return libraries[0]


def run_function(
    function: Callable[..., Any], *, mods: Mods | None = None, timeout: float = 300.0, env: Any = None, **kwargs: Any
) -> Any:
    """Call a module-level function in a fresh process and return what it returns.

    Arguments: JSON values. Result: JSON values and numpy arrays, nested in dicts and lists.
    """
    job = {"file": inspect.getfile(function), "function": function.__name__, "kwargs": kwargs}
    return _run(job, mods, timeout, env)


def run_source(source: str, *, mods: Mods | None = None, timeout: float = 300.0, env: Any = None, **names: Any) -> Any:
    """Run a piece of Python in a fresh process; returns the dict `out` that it fills. `names` are its globals."""
    return _run({"source": source, "kwargs": names}, mods, timeout, env)


def _run(job: dict[str, Any], mods: Mods | None, timeout: float, env: Mapping[str, str] | None) -> Any:
    if os.environ.get(_CHILD):
        raise NeuronProcessError("a test process must not start another: call run_function under `if __name__`")
    if mods is not None:
        job = {**job, "library": str(compile_mods(mods))}
    with tempfile.TemporaryDirectory(prefix="nrn-diff-test-") as folder:
        (Path(folder) / "job.json").write_text(json.dumps(job))
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, __file__, folder],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "NEURON_MODULE_OPTIONS": "-nogui", _CHILD: "1", **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        result = Path(folder) / "result.json"
        if done.returncode != 0 or not result.exists():
            raise NeuronProcessError(f"exit status {done.returncode}\n{done.stdout[-8000:]}")
        with np.load(Path(folder) / "result.npz") as arrays:
            return _decode(json.loads(result.read_text()), arrays)


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "__array__"):
        name = f"a{len(arrays)}"
        arrays[name] = np.asarray(value)
        return {_ARRAY: name}
    if isinstance(value, Mapping):
        return {str(k): _encode(v, arrays) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(v, arrays) for v in value]
    return value


def _decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        return arrays[value[_ARRAY]] if set(value) == {_ARRAY} else {k: _decode(v, arrays) for k, v in value.items()}
    return [_decode(v, arrays) for v in value] if isinstance(value, list) else value


def _child(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    if "library" in job:
        from neuron import h

        if not h.nrn_load_dll(job["library"]):
            raise NeuronProcessError(f"NEURON cannot load {job['library']}")
    if "source" in job:
        names = {**job["kwargs"], "out": {}}
        exec(compile(job["source"], "<run_source>", "exec"), names)
        result = names["out"]
    else:
        spec = importlib.util.spec_from_file_location(Path(job["file"]).stem, job["file"])
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        result = getattr(module, job["function"])(**job["kwargs"])
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_encode(result, arrays))
    np.savez(folder / "result.npz", **arrays)  # type: ignore[arg-type]
    (folder / "result.json").write_text(text)


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
