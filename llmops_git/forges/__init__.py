"""Where a repository is hosted: one protocol, one file per forge."""

from __future__ import annotations
