"""The cache of bought replies: one JSON file per request key, safe with many processes and with kill -9 at any moment.

An entry is written beside its place and renamed into it, so a reader sees all of it or nothing. Whoever is about to buy a
reply claims its key first, as a lock on one byte of a file at a place computed from the key; the system lets go of it when
the process ends, however it ends. So two processes with the same work share it, and neither waits for a dead one.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from llmops_git.providers.base import Reply
from llmops_git.providers.reply_json import reply_document, reply_from_document

if sys.platform != "win32":  # there, two processes may buy the same reply; neither breaks the other's
    import fcntl

MAX_AGE_DAYS = 7.0
_DAY = 86_400.0
_SKEW = 3_600.0  # seconds that a clock may be ahead; an entry from later on would never grow old
_LEFTOVER = 3_600.0  # seconds after which an unfinished file belongs to nobody
_CLAIM_DIGITS = 15  # hex digits of a key that name its byte in the lock file: 60 bits
_FORMAT = 1
_CLOSED_IN_CHILDREN = getattr(os, "O_CLOEXEC", 0)


class Cache:
    """Replies by request key below a folder, which is made when it is needed."""

    def __init__(self, folder: Path, *, max_age_days: float = MAX_AGE_DAYS, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._max_age = max_age_days * _DAY
        self._now = now
        self._lock = threading.Lock()
        self._ready: set[str] = set()
        self._claims: int | None = None

    def get(self, key: str, fingerprint: str | None = None) -> Reply | None:
        """The reply bought for `key`, unless it is too old or another engine's. A broken entry is deleted and a miss."""
        path = self._path(key)
        try:
            content = _read(path)
        except OSError:
            return None
        try:
            entry = json.loads(content)
            reply = reply_from_document(entry["reply"])
            known = entry["format"] == _FORMAT and entry["key"] == key
            bought_at, engine = float(entry["time"]), entry["fingerprint"]
        except (ValueError, KeyError, TypeError, RecursionError):
            known, bought_at, engine, reply = False, 0.0, "", Reply(text="")
        if not known:
            Path(path).unlink(missing_ok=True)
            return None
        if not -_SKEW <= self._now() - bought_at <= self._max_age or (fingerprint is not None and engine != fingerprint):
            return None
        return reply

    def put(self, key: str, reply: Reply, fingerprint: str) -> None:
        """Keep a reply. Raises OSError when the folder cannot be written."""
        path = self._path(key)
        entry = {"format": _FORMAT, "key": key, "time": self._now(), "fingerprint": fingerprint, "reply": reply_document(reply)}
        temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
        self._prepare(key[:1])
        _write(temporary, json.dumps(entry).encode())
        Path(temporary).replace(path)

    def claim(self, key: str) -> bool:
        """Whether this process may buy `key` now; False while another one does. `release` ends it."""
        if sys.platform == "win32":
            return True
        try:
            fcntl.lockf(self._claims_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except (BlockingIOError, PermissionError):
            return False
        except OSError:  # a file system without locks: then nothing is shared, and nothing breaks
            return True
        return True

    def release(self, key: str) -> None:
        """Let others buy, or find, `key`."""
        if sys.platform == "win32" or self._claims is None:
            return
        with suppress(OSError):
            fcntl.lockf(self._claims, fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        """Let go of all claims."""
        with self._lock:
            claims, self._claims = self._claims, None
        if claims is not None:
            os.close(claims)

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key[:1]}/{key}.json"

    def _claims_file(self) -> int:
        with self._lock:
            if self._claims is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._claims = os.open(self._folder / "claims", os.O_RDWR | os.O_CREAT | _CLOSED_IN_CHILDREN, 0o666)
            return self._claims

    def _prepare(self, shelf: str) -> None:
        """Make a folder of the cache; the first time in a process, and once a day, throw out what is too old to be used."""
        with self._lock:
            if shelf in self._ready:
                return
            first = not self._ready
            (self._folder / shelf).mkdir(parents=True, exist_ok=True)
            self._ready.add(shelf)
        if first and self._is_due():
            self._sweep()

    def _is_due(self) -> bool:
        """Whether nobody swept within a day; if so, it is done now, and others need not."""
        marker = self._folder / "swept"
        with suppress(FileNotFoundError):
            if self._now() - marker.stat().st_mtime < _DAY:
                return False
        marker.touch()
        return True

    def _sweep(self) -> None:
        for shelf in self._folder.glob("?"):
            with os.scandir(shelf) as entries:
                for entry in entries:
                    longest = self._max_age if entry.name.endswith(".json") else _LEFTOVER
                    with suppress(FileNotFoundError):  # another process was faster
                        if self._now() - entry.stat().st_mtime > longest:
                            Path(entry.path).unlink()


def _read(path: str) -> bytes:
    """A whole file. Strings and file descriptors, since this runs for every sample of every run."""
    descriptor = os.open(path, os.O_RDONLY | _CLOSED_IN_CHILDREN)
    try:
        return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))
    finally:
        os.close(descriptor)


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CLOSED_IN_CHILDREN, 0o666)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def _place(key: str) -> int:
    return int(key[:_CLAIM_DIGITS], 16)
