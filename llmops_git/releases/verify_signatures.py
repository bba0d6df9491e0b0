"""Verifies signatures: of release tags, of the commits of environments and evidence, of envelopes with statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.releases.environments import BRANCH_PREFIX
from llmops_git.releases.evidence import is_evidence_path
from llmops_git.releases.levels import Level, level
from llmops_git.releases.signed import branch_commits, commit_standings, release_standings, why_not
from llmops_git.releases.statement import envelope_path, pre_authentication, read_envelope, statement_path
from llmops_git.releases.trust import Trust
from llmops_git.releases.values import Registry, Release
from llmops_git.repo.objects import read_objects
from llmops_git.repo.signatures import Verifier

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

_MOST_NAMED = 3


def check_signatures(git: Git, read: Callable[[], Trust], registry: Registry, releases: Sequence[Release]) -> Level:
    """What is signed is signed by those whom the default branch names, and where the policy requires it, all is signed.

    `read` reads who that is. Not checked where nobody is named. Incomplete where something is not signed and need not be,
    or where the default branch or a program is out of reach.
    """
    try:
        trust = read()
        return _check(git, trust, registry, releases)
    except NotMeasured as error:
        return level("signatures", 0, [], [error.message])
    except LlmopsError as error:
        return level("signatures", 0, [error.message])


def _check(git: Git, trust: Trust, registry: Registry, releases: Sequence[Release]) -> Level:
    if not trust.named:
        why = () if trust.branch else ("this clone does not know the default branch, which would name who may sign",)
        return Level(name="signatures", state="not checked", findings=why)
    with trust.verifier(git) as verifier:
        of_releases = _releases(verifier, trust, registry, releases)
        of_branches = _branches(git, verifier, trust, registry)
        envelopes = _envelopes(git, verifier, trust, registry, releases)
    wrong = [*of_releases[1], *of_branches[1], *envelopes[1]]
    unsigned = [*of_releases[2], *of_branches[2]]
    checked = of_releases[0] + of_branches[0] + envelopes[0]
    if trust.required:
        return level("signatures", checked, [*wrong, *unsigned])
    return level("signatures", checked, wrong, unsigned)


_Found = tuple[int, list[str], list[str]]  # how many were checked, what is wrong, what is not signed


def _releases(verifier: Verifier, trust: Trust, registry: Registry, releases: Sequence[Release]) -> _Found:
    configs = dict.fromkeys(release.tag.config for release in releases)
    standings: dict[str, str] = {}
    for config in configs:
        standings.update(release_standings(verifier, registry.releases.get(config, ())))
    wrong, unsigned = [], []
    for release in releases:
        standing = standings[release.name]
        if standing == "unsigned":
            unsigned.append(f"{release.name} is not signed")
        elif standing in ("bad", "replayed"):
            wrong.append(why_not(release, "bad" if standing == "bad" else "replayed", trust))
    return len(releases), wrong, unsigned


def _branches(git: Git, verifier: Verifier, trust: Trust, registry: Registry) -> _Found:
    tips = {f"{BRANCH_PREFIX}{name}": (name, state.tip) for name, state in registry.environments.items()}
    if registry.evidence:
        tips["llmops/evidence"] = ("", registry.evidence)
    checked = 0
    wrong: list[str] = []
    unsigned: list[str] = []
    for branch, (environment, tip) in tips.items():
        commits = branch_commits(git, tip)
        standings = commit_standings(verifier, commits, environment)
        checked += len(commits)
        wrong += _sentence(branch, standings, "bad", f"is not signed by a key in {trust.place}")
        wrong += _sentence(branch, standings, "replayed", "was signed for another branch")
        unsigned += _sentence(branch, standings, "unsigned", "is not signed")
    return checked, wrong, unsigned


def _sentence(branch: str, standings: Mapping[str, str], standing: str, what: str) -> list[str]:
    """One sentence for all the commits of a branch that stand alike: an environment can have thousands."""
    oids = [oid for oid, own in standings.items() if own == standing]
    if not oids:
        return []
    names = ", ".join(oid[:12] for oid in oids[-_MOST_NAMED:])
    more = f" and {len(oids) - _MOST_NAMED} before" if len(oids) > _MOST_NAMED else ""
    return [f"branch `{branch}`: commit {names}{more} {what}"]


def _envelopes(git: Git, verifier: Verifier, trust: Trust, registry: Registry, releases: Sequence[Release]) -> _Found:
    """The envelopes beside the evidence of the releases: what they hold is the statement, and its signature is good."""
    paths = {
        release.name: note.evidence.name
        for release in releases
        if registry.evidence
        and (note := release.note)
        and note.statement
        and note.evidence
        and is_evidence_path(note.evidence.name)
    }
    names = [f"{registry.evidence}:{place}" for path in paths.values() for place in (statement_path(path), envelope_path(path))]
    blobs = iter(read_objects(git, names))
    found: Mapping[str, tuple[bytes, bytes]] = {
        name: (statement.data, envelope.data)
        for name, statement, envelope in ((name, next(blobs), next(blobs)) for name in paths)
        if statement and envelope
    }
    wrong = [
        f"{name}: the envelope of its statement is not signed by a key in {trust.place}"
        for name, (statement, envelope) in found.items()
        if not envelope_holds(verifier, statement, envelope)
    ]
    return len(found), wrong, []


def envelope_holds(verifier: Verifier, statement: bytes, envelope: bytes) -> bool:
    """Whether an envelope holds exactly this statement, under at least one good signature."""
    opened = read_envelope(envelope)
    if opened is None or opened[0] != statement:
        return False
    return any(verifier.good_bytes(pre_authentication(statement), signature) for signature in opened[1])
