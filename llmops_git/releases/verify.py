"""Verifies releases by themselves: tags name themselves, digests can be computed again, the chain of releases has no gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llmops_git.configs.values import Bump, Config
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.releases.levels import Level, level
from llmops_git.releases.values import Release
from llmops_git.releases.versions import next_version

_BUMPS: Mapping[str, Bump] = {"major": "major", "minor": "minor", "patch": "patch"}


def check_tags(releases: Sequence[Release], strays: Sequence[str]) -> Level:
    """Every release tag is annotated, carries its own name, points at a commit and has a message that llmops-git wrote.

    A tag object that was copied to another name keeps a valid signature; only the name inside gives it away.
    """
    wrong = [f"{name} is not an annotated tag" for name in strays]
    for release in releases:
        if release.header != release.name:
            wrong.append(f"{release.name} holds the tag object of {release.header}: it was replayed under another name")
        elif release.note is None:
            wrong.append(f"{release.name} has no release message")
    return level("tags", len(releases) + len(strays), wrong)


def check_digests(releases: Sequence[Release], load: Callable[[Release], Config]) -> Level:
    """The config, closure and eval digests in each tag are those of the config in its commit."""
    wrong: list[str] = []
    unknown: list[str] = []
    for release in releases:
        try:
            config = load(release)
        except NotMeasured as error:
            unknown.append(f"{release.name}: {error.message}")
        except LlmopsError as error:
            first = error.message.split("\n", 1)[0]
            wrong.append(f"{release.name}: its commit does not hold a valid config: {first}")
        else:
            wrong += _differing_digests(release, config)
    return level("digests", len(releases), wrong, unknown)


def _differing_digests(release: Release, config: Config) -> list[str]:
    trailers = release.trailers
    pairs = {
        "Config-Digest": config.digest,
        "Closure-Digest": config.closure_digest,
        "Eval-Digest": config.eval_digest,
        "Model": f"{config.provider}/{config.model}",
    }
    return [
        f"{release.name} says {key} {trailers.get(key) or 'nothing'}, its commit says {value}"
        for key, value in pairs.items()
        if trailers.get(key) != value
    ]


def check_chain(releases: Mapping[str, Sequence[Release]], *, shallow: bool) -> Level:
    """Each release names the one before it by object id, and its number is the one before, bumped as it says."""
    wrong: list[str] = []
    unknown: list[str] = []
    for of_config in releases.values():
        before: Release | None = None
        for release in of_config:
            problem = _broken_link(release, before)
            if problem and before is None and shallow:
                unknown.append(f"{problem} (this is a shallow clone: git fetch --unshallow)")
            elif problem:
                wrong.append(problem)
            before = release
    return level("chain", sum(len(of_config) for of_config in releases.values()), wrong, unknown)


def _broken_link(release: Release, before: Release | None) -> str:
    note = release.note
    if note is None:
        return ""  # said by check_tags
    if note.previous is None:
        return f"{release.name} does not name {before.name}, which comes before it" if before else ""
    if before is None or note.previous.name != before.name:
        return f"{release.name} comes after {note.previous.name}, which is not here"
    if note.previous.oid != before.tag_object:
        return f"{before.name} was moved: {release.name} came after {note.previous.oid}, and it is {before.tag_object} now"
    bump = _BUMPS.get(note.bump)
    if bump is None or next_version(before.tag.version, bump) != release.tag.version:
        return f"{release.name} is not {before.name} raised by a {note.bump or 'missing'} bump"
    return ""
