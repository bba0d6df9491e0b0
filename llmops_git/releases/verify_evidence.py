"""Verifies the evidence of releases: it is there, it is about them, it passes, and its in-toto statement says the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmops_git.releases.evidence import is_evidence_path, parse_evidence
from llmops_git.releases.levels import Level, level
from llmops_git.releases.statement import disagreements, statement_path
from llmops_git.releases.tags import TagRef
from llmops_git.releases.values import Release
from llmops_git.repo.objects import GitObject

Read = Callable[[Sequence[str]], Sequence[GitObject | None]]


def check_evidence(releases: Sequence[Release], read: Read, tip: str) -> Level:
    """The evidence that each tag names is on the evidence branch, unchanged, about the same digests, and passes; its
    statement, where the tag names one, is unchanged and says what the record says.

    `read` gives objects by name; `tip` is the evidence branch's, "" when this clone does not have it.
    """
    if not tip:
        unknown = ["this clone does not have the branch llmops/evidence: llmops-git status --fetch"] if releases else []
        return level("evidence", 0, [], unknown)
    named = [(release, note.evidence, note.statement) for release in releases if (note := release.note)]
    placed = [
        (release, place, statement) for release, place, statement in named if place is not None and is_evidence_path(place.name)
    ]
    known = {release.name for release, _, _ in placed}
    wrong = [f"{release.name} names no evidence" for release, _, _ in named if release.name not in known]
    blobs = read([f"{tip}:{place.name}" for _, place, _ in placed])
    statements = iter(read([f"{tip}:{statement_path(place.name)}" for _, place, statement in placed if statement]))
    for (release, place, statement), blob in zip(placed, blobs, strict=True):
        found = next(statements) if statement else None
        if blob is None:
            wrong.append(f"{release.name}: {place.name} is not on the evidence branch")
        elif blob.oid != place.oid:
            wrong.append(f"{release.name}: {place.name} was changed: {place.oid} when it was released, {blob.oid} now")
        else:
            wrong += _unfit(release, blob) or (_unlike(release, place, blob, statement, found) if statement else [])
    return level("evidence", len(releases), wrong)


def _unfit(release: Release, blob: GitObject) -> list[str]:
    record, note = parse_evidence(blob.data), release.note
    if record is None or note is None:
        return [f"{release.name}: its evidence cannot be read"]
    claims = (release.tag.config, note.config_digest, note.eval_digest)
    if (record.config, record.config_digest, record.eval_digest) != claims:
        return [f"{release.name}: its evidence is about something else"]
    return [] if record.gate_passes else [f"{release.name}: its evidence does not pass the gate: {record.why}"]


def _unlike(release: Release, place: TagRef, blob: GitObject, statement: TagRef, found: GitObject | None) -> list[str]:
    """What is wrong with the statement that a tag names."""
    record = parse_evidence(blob.data)
    if statement.name != statement_path(place.name) or record is None:
        return [f"{release.name}: its statement is not beside its evidence"]
    if found is None:
        return [f"{release.name}: {statement.name} is not on the evidence branch"]
    if found.oid != statement.oid:
        return [f"{release.name}: {statement.name} was changed: {statement.oid} when it was released, {found.oid} now"]
    return [f"{release.name}: {statement.name}: {what}" for what in disagreements(found.data, record, place.name, blob.data)]
