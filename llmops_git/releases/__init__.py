"""What is released and what runs: tags, bundles, environments."""

from __future__ import annotations
