"""How good a config is: running, comparing and gating."""

from __future__ import annotations
