"""Look at NEURON by experiment in a forked copy of the process, so that the user's process cannot be disturbed."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from neuron import h


class ChildFailedError(RuntimeError):
    """The forked copy died, did not answer in time, or raised."""


def in_copy(function: Callable[[], Any], timeout: float = 120.0) -> Any:
    """Call `function` in a forked copy of this process and return its result (JSON values).

    Nothing it does to NEURON reaches this process. Its output goes nowhere. Raises ChildFailedError.
    """
    if not hasattr(os, "fork"):
        raise ChildFailedError("this operating system cannot copy a process (fork); use Linux or macOS")
    read_end, write_end = os.pipe()
    with warnings.catch_warnings(), _without_workers():
        # JAX and Python warn of a fork in a process with threads; the copy runs no code of theirs.
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            _run_copy(function, write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        text = _read(pipe.fileno(), time.monotonic() + timeout)
    if text is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not text or status != 0:
        raise ChildFailedError(
            "the copy of the process did not answer" if text is None else f"it ended with status {status}"
        )
    answer = json.loads(text)
    if "error" in answer:
        raise ChildFailedError(answer["error"])
    return answer["result"]


@contextlib.contextmanager
def _without_workers() -> Iterator[None]:
    """NEURON's threads are not copied, and the copy would wait for them: meanwhile one thread does the work of all."""
    context: Any = h.ParallelContext()
    n = int(context.nthread())
    if n == 1:
        yield
        return
    before = _count_threads()
    context.nthread(n, False)
    parallel = before is None or _count_threads() != before
    try:
        yield
    finally:
        if parallel:
            context.nthread(n, True)


def _count_threads() -> int | None:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:  # not Linux
        return None


def step_without_python() -> None:
    """fadvance(), in a copy: a Python function that NEURON calls ends the copy before any of its code runs."""
    sys.setprofile(lambda _frame, event, _argument: os._exit(1) if event == "call" else None)
    h.fadvance()
    sys.setprofile(None)


def _run_copy(function: Callable[[], Any], write_end: int) -> None:
    import resource  # not on Windows

    status = 1
    gc.disable()  # JAX has a callback there, which would be taken for a Python function that NEURON calls
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # NEURON may abort in here on purpose
        silent = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silent, descriptor)
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  a notebook's streams reach beyond the descriptors
        _leave_files(silent)
        try:
            answer = json.dumps({"result": function()})
        except BaseException as error:
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(answer.encode())
        status = 0
    finally:
        # _exit: the copy must run none of the user's exit handlers and flush none of their buffers.
        os._exit(status)


def _leave_files(silent: int) -> None:
    """Open anew what this process has open, and write nowhere: a copy shares its position in a file with the original.

    NEURON goes to the end of the HOC file that it reads when an error is raised, also one that is caught
    (hoc_execerror_mes, hoc.cpp): the original would not find the rest of the user's file.
    """
    import fcntl  # not on Windows

    for descriptor in map(int, os.listdir("/dev/fd")):
        with contextlib.suppress(OSError):  # closed meanwhile, or a file that is gone
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                continue
            if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                os.dup2(silent, descriptor)
                continue
            where = f"/dev/fd/{descriptor}"
            if sys.platform == "darwin":  # where that is the same open file once more
                where = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()
            own = os.open(where, os.O_RDONLY)
            os.lseek(own, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
            os.dup2(own, descriptor)
            os.close(own)


def _read(descriptor: int, deadline: float) -> bytes | None:
    """Everything until the other end closes; None after the deadline."""
    parts: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            return None
        part = os.read(descriptor, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None
