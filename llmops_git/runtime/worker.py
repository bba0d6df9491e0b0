"""A bounded queue with a thread behind it that handles what was put into it, in batches. Putting never waits.

Made to live inside somebody else's program: putting into it from a signal handler or a finalizer does not deadlock, a fork
leaves the child an empty queue and no thread, and the thread is only started when there is something to do.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

INTERVAL = 0.5  # seconds that a batch gathers
_FULL_SHARE = 0.5  # a queue this full does not wait for its batch to gather


class Worker:
    """Hands batches of items to `handle`, in order, on a thread of its own. What `handle` raises is given to `trouble`.

    `most` bounds the sizes of the items that wait. `handle` gets the batch and whether somebody waits for it (a flush); it
    gives back seconds after which it wants to be called again with nothing new (it holds something back), or None.
    """

    def __init__(
        self,
        handle: Callable[[list[Any], bool], float | None],
        *,
        most: int,
        trouble: Callable[[BaseException], None],
        interval: float = INTERVAL,
    ) -> None:
        self._handle = handle
        self._most = most
        self._trouble = trouble
        self._interval = interval
        self.held = 0  # sizes of what `handle` took and could not do yet
        self._thread: threading.Thread | None = None
        self._reset()
        _WORKERS.add(self)

    @property
    def waiting(self) -> int:
        """The sizes of what waits."""
        return self._waiting + self._busy + self.held

    def put(self, item: Any, size: int = 1) -> bool:
        """Add an item; False when there is no room for it."""
        with self._lock:
            if self.waiting + size > self._most:
                return False
            self._items.append(item)
            self._waiting += size
            crowded = self._waiting > self._most * _FULL_SHARE
        if self._thread is None:
            self._start()
        _release(self._wake)
        if crowded:
            _release(self._hurry)
        return True

    def flush(self, seconds: float) -> bool:
        """Have everything handled that was put so far; whether that was done in time."""
        if self._thread is threading.current_thread():
            return False  # it cannot wait for itself
        if self._thread is None or not self._thread.is_alive():
            return self._run_once(flushing=True) is None
        done = threading.Event()
        with self._lock:
            self._flushes.append(done)
        _release(self._wake)
        _release(self._hurry)
        return done.wait(seconds)

    def close(self) -> None:
        """Let the thread end; putting something in starts another one."""
        thread = self._thread
        self._thread = None
        _release(self._wake)
        _release(self._hurry)
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(1.0)

    def after_fork(self) -> None:
        """In a child: what waits is the parent's, and so is the thread."""
        self.held = 0
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._wake, self._hurry = threading.Lock(), threading.Lock()
        self._wake.acquire()
        self._hurry.acquire()
        self._running = threading.Lock()
        self._items: list[Any] = []
        self._waiting = 0  # sizes of the items that were put, and of those that are being handled
        self._busy = 0
        self._flushes: list[threading.Event] = []
        self._thread = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="llmops-runtime", daemon=True)
            self._thread = thread
        try:
            thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter ends: the flush at its end does the work
            self._thread = None
            self._trouble(error)

    def _run(self) -> None:
        again: float | None = None
        while self._thread is threading.current_thread():
            self._wake.acquire(timeout=-1 if again is None else again)
            if not self._flushes:
                self._hurry.acquire(timeout=self._interval)
            again = self._run_once(flushing=False)

    def _run_once(self, *, flushing: bool) -> float | None:
        with self._running:
            with self._lock:
                items, self._items = self._items, []
                self._busy, self._waiting = self._waiting, 0
                flushes, self._flushes = self._flushes, []
            try:
                return self._handle(items, flushing or bool(flushes))
            except Exception as error:  # noqa: BLE001  # a thread that ends would lose everything after it
                self._trouble(error)
                return None
            finally:
                self._busy = 0
                for done in flushes:
                    done.set()


def _release(lock: Any) -> None:
    """Open a gate that may be open already."""
    if lock.locked():
        try:
            lock.release()
        except RuntimeError:  # another thread was faster
            return


_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()


def _after_fork() -> None:
    for worker in list(_WORKERS):
        worker.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def flush_all(workers: list[Worker], seconds: float) -> bool:
    """Flush one after the other within the time."""
    until = time.monotonic() + seconds
    done = [worker.flush(max(until - time.monotonic(), 0.0)) for worker in workers]  # each of them, whatever the others do
    return all(done)
