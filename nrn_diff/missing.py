"""What nrn_diff needs and this Python does not have, said in one sentence with the way out."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nrn_diff.errors import NrnDiffError

# Top-level module -> what it is called, and what pip installs.
_NEEDED = {
    "neuron": ("NEURON", "neuron>=9.0"),
    "jax": ("JAX", "jax>=0.6"),
    "jaxlib": ("JAX", "jax>=0.6"),
    "optax": ("optax", "optax>=0.2.4"),
    "numpy": ("NumPy", "numpy>=2.0"),
}


# For compiling mod files, and the native kernels.
HOW_TO_COMPILE = (
    "Debian, Ubuntu: apt install build-essential; Fedora: dnf install gcc-c++ make; macOS: xcode-select --install; "
    "conda: conda install -c conda-forge cxx-compiler make"
)


class MissingPackageError(NrnDiffError, ImportError):
    """A package that nrn_diff needs is not installed in this Python."""

    def __init__(self, module: str) -> None:
        called, requirement = _NEEDED[module]
        super().__init__(
            f"{called} is not installed in this Python ({sys.executable}), and nrn_diff needs it. Install it there: "
            f"{sys.executable} -m pip install '{requirement}'; then nrn-diff doctor checks it"
        )


def require(*modules: str) -> None:
    """Raises MissingPackageError for the first that is not there; imports none of them."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise MissingPackageError(module)


@contextmanager
def missing_packages_named() -> Iterator[None]:
    """An ImportError for want of a package that nrn_diff needs becomes a MissingPackageError."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name in _NEEDED:
            raise MissingPackageError(error.name) from error
        raise
