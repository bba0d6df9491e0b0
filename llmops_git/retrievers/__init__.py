"""One file per way to find documents."""

from __future__ import annotations
