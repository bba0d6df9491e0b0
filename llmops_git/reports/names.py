"""Commit ids, release tags and digests, cut for reading."""

from __future__ import annotations

import re

SHORT_OID = 9
SHORT_DIGEST = 12
RELEASES = "llmops/"
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def short_name(name: str) -> str:
    """A commit id cut for reading, a release tag without the prefix that all of them share; other names as they are."""
    if _OID.fullmatch(name):
        return name[:SHORT_OID]
    return name.removeprefix(RELEASES)


def short_digest(digest: str | None) -> str:
    """The first digits of a digest, enough to tell two apart."""
    return (digest or "").removeprefix("sha256:")[:SHORT_DIGEST]
