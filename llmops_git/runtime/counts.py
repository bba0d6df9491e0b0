"""What became of the spans, counted; and a word about it in the log, at most once a minute."""

from __future__ import annotations

import threading
import time

QUIET_SECONDS = 60.0
LOGGER = "llmops_git.runtime"


class Counts:
    """Counters by name, for `stats`. Adding never fails, and costs less than a microsecond."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._lock = threading.RLock()
        self._quiet_until = 0.0
        self._kept_quiet = 0

    def add(self, name: str, number: int = 1) -> None:
        with self._lock:
            self._numbers[name] = self._numbers.get(name, 0) + number

    def get(self, name: str) -> int:
        return self._numbers.get(name, 0)

    def all(self) -> dict[str, int]:
        with self._lock:
            return dict(self._numbers)

    def trouble(self, name: str, error: BaseException | str, number: int = 1) -> None:
        """Count something that went wrong, and log it unless something was logged within the last minute. Never raises."""
        self.add(name, number)
        now = time.monotonic()
        with self._lock:
            if now < self._quiet_until:
                self._kept_quiet += 1
                return
            more, self._kept_quiet = self._kept_quiet, 0
            self._quiet_until = now + QUIET_SECONDS
        try:
            import logging

            said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
            others = f" ({more} more troubles since the last message)" if more else ""
            logging.getLogger(LOGGER).warning("%s: %s%s", name.replace("_", " "), said[:500], others)
        except Exception:  # noqa: BLE001, S110  # a log handler of the application's; the numbers are kept in any case
            pass

    def after_fork(self) -> None:
        """In a child nobody holds the lock, and nothing was counted yet."""
        self._lock = threading.RLock()
        self._numbers = {}
        self._kept_quiet = 0
