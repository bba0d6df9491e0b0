"""Comparisons as the index keeps them: by what both sides are, byte for byte."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from llmops_git import __version__
from llmops_git.configs.closure import Closure
from llmops_git.configs.values import Change, FieldChange

FORMAT = 2  # raise it with any change to what a comparison says


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedChange(Change):
    """A change that the index knew: its configs are not loaded, their digests are."""

    known_base_digest: str | None = None
    known_head_digest: str | None = None

    @property
    def base_digest(self) -> str | None:
        return self.known_base_digest

    @property
    def head_digest(self) -> str | None:
        return self.known_head_digest


def comparison_key(before: Closure | None, after: Closure | None, root: str) -> bytes:
    """What a comparison depends on, hashed; b"" when it cannot be remembered: a side is missing, or has problems."""
    if before is None or after is None or before.problems or after.problems:
        return b""
    sides = [[(item.path, item.mode, item.oid, item.role, item.via) for item in side.dependencies] for side in (before, after)]
    return hashlib.sha256(json.dumps([__version__, FORMAT, root, sides]).encode()).digest()


def to_json(change: Change | None) -> Any:
    """A change of a config that is on both sides, without its chains; None stands for no change."""
    if change is None:
        return None
    fields = [[field.path, field.before, field.after] for field in change.fields]
    digests = [change.base_digest, change.head_digest]
    return [change.config, change.status, list(change.aspects), change.bump, fields, digests]


def from_json(value: Any) -> Change | None:
    """The change again."""
    if value is None:
        return None
    config, status, aspects, bump, fields, (base_digest, head_digest) = value
    return RememberedChange(
        config=config,
        status=status,
        aspects=tuple(aspects),
        bump=bump,
        fields=tuple(FieldChange(path=path, before=before, after=after) for path, before, after in fields),
        known_base_digest=base_digest,
        known_head_digest=head_digest,
    )
