"""How much memory this process may still take: of the machine, of its container, of its own limits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

# A limit above this is none, whatever a kernel writes for "no limit".
_NONE = 2**60


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes; None where nothing can be found out. root: of the file system, for tests.

    The least of what the machine has (MemAvailable), what the control groups (versions 1 and 2) of the process leave,
    and what `ulimit -v` leaves.
    """
    return min((max(free, 0) for free in _limits(root)), default=None)


def _limits(root: Path) -> Iterator[int]:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        yield _kilobytes(root / "proc/meminfo", "MemAvailable")
    with contextlib.suppress(ImportError, OSError, ValueError, StopIteration):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            yield limit - _kilobytes(root / "proc/self/status", "VmSize")
    with contextlib.suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                yield from _group(root / "sys/fs/cgroup", path, "memory.max", "memory.current")
            elif "memory" in controllers.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
                yield from _group(root / "sys/fs/cgroup/memory", path, *names)


def _group(mount: Path, path: str, limit: str, usage: str) -> Iterator[int]:
    """What a group and those around it leave. Inside of a container the path may be that outside: then the mount."""
    group = mount / path.strip("/")
    for folder in (group, *group.parents):
        with contextlib.suppress(OSError, ValueError):
            most = int((folder / limit).read_text())
            if most < _NONE:
                yield most - int((folder / usage).read_text()) + _cached(folder)
        if folder == mount:
            return


def _cached(folder: Path) -> int:
    """What the kernel would give up: files that were read and are not in use."""
    with contextlib.suppress(OSError, ValueError):
        for line in (folder / "memory.stat").read_text().splitlines():
            name, value = line.split()
            if name in ("inactive_file", "total_inactive_file"):
                return int(value)
    return 0


def _kilobytes(path: Path, name: str) -> int:
    line = next(x for x in path.read_text().splitlines() if x.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
