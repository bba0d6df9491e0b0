"""The only code that runs git."""

from __future__ import annotations
