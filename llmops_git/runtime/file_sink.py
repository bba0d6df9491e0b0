"""Spans as OTLP JSON lines in files of this process alone: a line is a trace, and only the last one can be half of one."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.repo.ignored import keep_out_of_git
from llmops_git.runtime.sinks import Resource, SinkUnavailable
from llmops_git.traces.otlp import to_otlp_line

if TYPE_CHECKING:
    from llmops_git.runtime.counts import Counts
    from llmops_git.runtime.export import Ready

DEFAULT_FOLDER = ".llmops/traces/raw"
MOST_BYTES = 64 << 20
_HOUR = 3600


class FileSink:
    """`<folder>/<host>-<pid>-<random>.jsonl`. A new file begins when one is large or from an earlier hour."""

    name = "file"

    def __init__(
        self, folder: str | os.PathLike[str] = "", *, most_bytes: int = MOST_BYTES, wall: Callable[[], float] = time.time
    ) -> None:
        """Without a folder, LLMOPS_TRACES names it, or it is `.llmops/traces/raw` below the working directory."""
        self.folder = os.path.abspath(os.fspath(folder) or os.environ.get("LLMOPS_TRACES") or DEFAULT_FOLDER)  # noqa: PTH100
        self._most_bytes = most_bytes
        self._wall = wall
        self._resource: Resource = {}
        self._file = -1
        self._size = 0  # of the whole lines in the file
        self._hour = 0

    def open(self, resource: Resource, counts: Counts) -> None:  # noqa: ARG002
        """Nothing is made before there is something to write: a folder that cannot be written to must not keep an application
        from starting."""
        self._resource = resource

    def write(self, ready: Sequence[Ready]) -> int:
        """One line for each. Raises SinkUnavailable where the disk is full or the folder cannot be written to."""
        for number, one in enumerate(ready):
            line = to_otlp_line(one, self._resource).encode() + b"\n"
            try:
                self._write(line)
            except OSError as error:
                self._forget_half()
                raise SinkUnavailable(f"{self.folder}: {error.strerror or error}", done=number) from None
        return 0

    def close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def after_fork(self) -> None:
        """The child's copy of the file is closed, which does not disturb the parent's; the child begins its own."""
        try:
            self.close()
        except OSError:
            self._file = -1

    def _write(self, line: bytes) -> None:
        hour = int(self._wall()) // _HOUR
        if self._file >= 0 and (self._size + len(line) > self._most_bytes or hour != self._hour):
            self.close()
        if self._file < 0:
            self._begin(hour)
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._size += len(line)

    def _begin(self, hour: int) -> None:
        os.makedirs(self.folder, exist_ok=True)  # noqa: PTH103
        with suppress(OSError):  # what matters here is the trace
            keep_out_of_git(Path(self.folder))
        host = re.sub(r"[^A-Za-z0-9.-]+", "-", host_name())[:60] or "host"
        name = f"{host}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(os.path.join(self.folder, name), flags, 0o640)  # noqa: PTH118
        self._size, self._hour = 0, hour

    def _forget_half(self) -> None:
        """Cut off the half of a line that a full disk let through; where that fails too, a new file begins."""
        if self._file < 0:
            return
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self.after_fork()


def host_name() -> str:
    """What this machine calls itself."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()
