"""One file per command: options, read, decide, act, show."""

from __future__ import annotations
