"""How one sample is scored: one file per scorer. No I/O."""

from __future__ import annotations
