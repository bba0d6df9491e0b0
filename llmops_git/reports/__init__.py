"""One file per output format of a report."""

from __future__ import annotations
