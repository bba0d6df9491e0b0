"""One file per wire to a language model."""

from __future__ import annotations
