"""What was forgotten, as hashes: enough to refuse it when it comes again, too little to say what it was.

A hash is keyed with a random salt of the store. Ids of traces are random, so theirs say nothing; who has the store and guesses
a user's id can check the guess.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llmops_git.errors import LlmopsError

FORMAT = "llmops-git/forgotten/1"
FILE = "forgotten.json"
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstones:
    """`traces` are hashes of traces; `users` are hashes of users with the moment (nanoseconds since 1970) up to which their
    requests are forgotten: who comes back later is a new user."""

    salt: str = ""
    traces: frozenset[str] = frozenset()
    users: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.traces or self.users)

    def holds_trace(self, trace_id: str) -> bool:
        """Whether a trace is forgotten."""
        return self._hash("trace", trace_id) in self.traces

    def holds_user(self, user: str, start_ns: int) -> bool:
        """Whether a user's request of that time is forgotten."""
        return start_ns <= self.users.get(self._hash("user", user), -1)

    def with_these(self, *, traces: Iterable[str], users: Iterable[str] = (), until_ns: int = 0) -> Tombstones:
        """More of them."""
        fresh = {self._hash("user", user): until_ns for user in users}
        return replace(
            self,
            traces=self.traces | {self._hash("trace", trace) for trace in traces},
            users={**self.users, **fresh},
        )

    def _hash(self, kind: str, text: str) -> str:
        key = bytes.fromhex(self.salt)
        return hashlib.blake2b(f"{kind}:{text}".encode(errors="replace"), key=key, digest_size=_DIGEST_BYTES).hexdigest()


def encode(tombstones: Tombstones) -> bytes:
    """As a file."""
    document = {
        "format": FORMAT,
        "salt": tombstones.salt,
        "traces": sorted(tombstones.traces),
        "users": dict(sorted(tombstones.users.items())),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def decode(content: bytes, *, path: str) -> Tombstones:
    """Read it back. Raises LlmopsError: without it nothing may be read in."""
    try:
        document: Any = json.loads(content)
        bytes.fromhex(document["salt"])
        if document["format"] != FORMAT:
            raise LlmopsError(f"{path} is of the format {document['format']!r}, this version reads {FORMAT}")
        return Tombstones(
            salt=document["salt"], traces=frozenset(document["traces"]), users={k: int(v) for k, v in document["users"].items()}
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LlmopsError(
            f"{path} is damaged: {type(error).__name__}: {str(error)[:200]}", hint="restore it: it says who was forgotten"
        ) from None
