"""Where the running bundle comes from: a file that may be replaced while the application runs, or a commit in git."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

from llmops_git.errors import LlmopsError
from llmops_git.runtime.bundle import Bundle, read_bundle
from llmops_git.runtime.counts import Counts

Signature = tuple[int, int, int]


class Source(Protocol):
    """Gives the bundle that runs now."""

    def now(self) -> Bundle:
        """The bundle, looked for again where it is time. Never raises."""

    def reload(self) -> Bundle:
        """The bundle, looked for again at once. Raises LlmopsError when there is no good one; the old one keeps running."""

    def after_fork(self) -> None:
        """Forget locks that another thread may have held."""


class FileSource:
    """A bundle file. It is looked at when a request begins, at most once in `seconds`; a new content runs once it is whole and
    holds what its digest says, and until then the old one does."""

    def __init__(self, path: str, config: str, *, seconds: float, counts: Counts) -> None:
        self._path = path
        self._config = config
        self._seconds = seconds
        self._counts = counts
        self._bundle, self._signature = self._read()
        self._looked = time.monotonic()
        self._looking = threading.Lock()

    def now(self) -> Bundle:
        if time.monotonic() - self._looked < self._seconds or not self._looking.acquire(blocking=False):
            return self._bundle
        try:
            self._looked = time.monotonic()
            if _signature(self._path) != self._signature:
                self._bundle, self._signature = self._read()
                self._counts.add("reloads")
        except (LlmopsError, OSError) as error:
            self._counts.trouble("reloads_failed", error)
        finally:
            self._looking.release()
        return self._bundle

    def reload(self) -> Bundle:
        self._bundle, self._signature = self._read()
        return self._bundle

    def after_fork(self) -> None:
        self._looking = threading.Lock()

    def _read(self) -> tuple[Bundle, Signature]:
        """The bundle in the file, and what the file was like before it was read: a change meanwhile is seen the next time."""
        try:
            signature = _signature(self._path)
            with open(self._path, "rb") as file:  # noqa: PTH123  # pathlib is not needed for anything else at start
                data = file.read()
        except OSError as error:
            hint = f"llmops-git export {self._config} -o {self._path}"
            raise LlmopsError(f"{self._path} cannot be read: {error.strerror or error}", hint=hint) from None
        return read_bundle(data, self._path, config=self._config), signature


class FixedSource:
    """A bundle that was read by `find`, and is read again only when that is asked for."""

    def __init__(self, find: Callable[[], Bundle]) -> None:
        self._find = find
        self._bundle = find()

    def now(self) -> Bundle:
        return self._bundle

    def reload(self) -> Bundle:
        self._bundle = self._find()
        return self._bundle

    def after_fork(self) -> None:
        return


def _signature(path: str) -> Signature:
    found = os.stat(path)  # noqa: PTH116
    return found.st_ino, found.st_size, found.st_mtime_ns
