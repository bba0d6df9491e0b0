"""Digests: what a config, an evaluation and a closure are, in 64 hex digits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from llmops_git.configs.canonical import canonical_json
from llmops_git.configs.values import Dependency, Json

PARTIAL_DIGITS = 16


def digest_of(value: Json) -> str:
    """`sha256:<hex>` over the canonical JSON (RFC 8785) of a value: equal values, however written, have equal digests."""
    return f"sha256:{hashlib.sha256(canonical_json(value)).hexdigest()}"


def bytes_digest(data: bytes) -> str:
    """`sha256:<hex>` of a file's bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def partial_name(text: str) -> str:
    """The name by which templates include a partial: the first 16 hex digits of sha256 of its canonical text."""
    return hashlib.sha256(text.encode()).hexdigest()[:PARTIAL_DIGITS]


def closure_digest(dependencies: Iterable[Dependency]) -> str:
    """`sha256:<hex>` over the sorted, distinct [path, mode, blob id] of all files a config reads, as they are in git."""
    return digest_of(sorted({(item.path, item.mode, item.oid) for item in dependencies}))
