"""What an application runs: a released config, read from a bundle and held to its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.errors import LlmopsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A released config. `release` is the tag's name (`llmops/support-router/v1.0.1`), `resolved` has the shape that
    `schemas/bundle.schema.json` documents."""

    config: str
    release: str
    digest: str
    commit: str
    resolved: Mapping[str, Any]

    @property
    def version(self) -> str:
        """The release's number, as `1.0.1`; "" where there is no release."""
        return self.release.rpartition("/v")[2] if "/v" in self.release else ""


def read_bundle(data: bytes, where: str, *, config: str) -> Bundle:
    """The bundle in a file's bytes; `where` names it in messages.

    Raises LlmopsError when it is no bundle, is about another config, or holds something else than its digest says: the file
    was edited, or is not whole.
    """
    from llmops_git.configs.digest import digest_of
    from llmops_git.releases.bundle import parse_bundle

    document = parse_bundle(data)
    if document is None or not all(isinstance(document.get(key), str) for key in ("config", "release", "digest", "commit")):
        raise LlmopsError(f"{where} is not a bundle", hint=f"llmops-git export {config} -o {config}.json")
    if document["config"] != config:
        raise LlmopsError(f"{where} is a bundle of `{document['config']}`, and `{config}` was asked for")
    try:
        digest = digest_of(document["resolved"])
    except ValueError as error:
        raise LlmopsError(f"{where}: {error}") from None
    if digest != document["digest"]:
        raise LlmopsError(
            f"{where} does not hold what it says: its digest is {document['digest']}, its content has {digest}",
            hint=f"llmops-git export {config} -o {config}.json",
        )
    return Bundle(
        config=config,
        release=document["release"],
        digest=digest,
        commit=document["commit"],
        resolved=document["resolved"],
    )
