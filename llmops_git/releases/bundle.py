"""Bundles: a released config, resolved and ready to render, as one JSON file that needs no repository.

The bytes are stable: sorted keys, two spaces, UTF-8, one newline at the end, so `git diff` on an environment branch shows
what changed in production line by line.
"""

from __future__ import annotations

import json
from typing import Any

from llmops_git.configs.values import Config
from llmops_git.errors import LlmopsError
from llmops_git.releases.values import Release

SCHEMA = "llmops-git/bundle/1"


def bundle_document(release: Release, config: Config) -> dict[str, Any]:
    """The bundle of a release. `config` is the one loaded from the release's commit.

    Raises LlmopsError when its digest is not the one that the tag claims: then the tag does not describe its commit.
    """
    if release.digest != config.digest:
        raise LlmopsError(
            f"{release.name} says {release.digest or 'nothing'}, but its commit holds {config.digest}",
            hint=f"llmops-git verify {release.name}",
        )
    return {
        "schema": SCHEMA,
        "config": config.name,
        "release": release.name,
        "tag_object": release.tag_object,
        "commit": release.commit,
        "digest": config.digest,
        "resolved": config.resolved,
    }


def format_bundle(document: dict[str, Any]) -> bytes:
    """The bytes of a bundle. Equal documents give equal bytes."""
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def parse_bundle(data: bytes) -> dict[str, Any] | None:
    """A bundle read back; None when it is not one."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or not isinstance(document.get("resolved"), dict):
        return None
    return document
