"""Verifies releases: tags name themselves, digests can be computed again, the chain of releases has no gap, the evidence
is there, deployments and the remote agree. Each level says whether it held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops_git.configs.values import Bump, Config
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.releases.evidence import is_evidence_path, parse_evidence
from llmops_git.releases.values import Release
from llmops_git.releases.versions import next_version
from llmops_git.repo.objects import GitObject

_BUMPS: Mapping[str, Bump] = {"major": "major", "minor": "minor", "patch": "patch"}
LevelState = Literal["held", "failed", "incomplete", "not checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of verification. `findings` say what is wrong, or why it could not be checked."""

    name: str
    state: LevelState
    checked: int = 0
    findings: tuple[str, ...] = ()


def level(name: str, checked: int, wrong: Sequence[str], unknown: Sequence[str] = ()) -> Level:
    """A level from what was found: wrong beats unknown."""
    state: LevelState = "failed" if wrong else "incomplete" if unknown else "held"
    return Level(name=name, state=state, checked=checked, findings=(*wrong, *unknown))


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


def check_evidence(releases: Sequence[Release], read: Callable[[Sequence[str]], Sequence[GitObject | None]], tip: str) -> Level:
    """The evidence that each tag names is on the evidence branch, unchanged, about the same digests, and passes.

    `read` gives objects by name; `tip` is the evidence branch's, "" when this clone does not have it.
    """
    if not tip:
        unknown = ["this clone does not have the branch llmops/evidence: llmops-git status --fetch"] if releases else []
        return level("evidence", 0, [], unknown)
    named = [(release, note.evidence) for release in releases if (note := release.note)]
    placed = [(release, place) for release, place in named if place is not None and is_evidence_path(place.name)]
    known = {release.name for release, _ in placed}
    wrong = [f"{release.name} names no evidence" for release, _ in named if release.name not in known]
    blobs = read([f"{tip}:{place.name}" for _, place in placed])
    for (release, place), blob in zip(placed, blobs, strict=True):
        if blob is None:
            wrong.append(f"{release.name}: {place.name} is not on the evidence branch")
        elif blob.oid != place.oid:
            wrong.append(f"{release.name}: {place.name} was changed: {place.oid} when it was released, {blob.oid} now")
        else:
            wrong += _unfit(release, blob)
    return level("evidence", len(releases), wrong)


def _unfit(release: Release, blob: GitObject) -> list[str]:
    record, note = parse_evidence(blob.data), release.note
    if record is None or note is None:
        return [f"{release.name}: its evidence cannot be read"]
    claims = (release.tag.config, note.config_digest, note.eval_digest)
    if (record.config, record.config_digest, record.eval_digest) != claims:
        return [f"{release.name}: its evidence is about something else"]
    return [] if record.gate_passes else [f"{release.name}: its evidence does not pass the gate: {record.why}"]
