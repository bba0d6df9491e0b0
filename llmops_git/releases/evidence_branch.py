"""The evidence branch `llmops/evidence`: an orphan branch of content-addressed records to which files are only ever added.

Two writers never disagree about a path, so a lost race is won by putting the same files on top of the other's commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmops_git.releases.evidence import Evidence, EvidenceKey, evidence_path, format_evidence, parse_evidence
from llmops_git.releases.messages import format_message
from llmops_git.releases.registry import EVIDENCE_REF
from llmops_git.repo.objects import read_objects
from llmops_git.repo.publish import Update

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.write import Writer


def read_evidence(git: Git, tip: str, keys: Sequence[EvidenceKey]) -> Mapping[EvidenceKey, tuple[Evidence, ...]]:
    """The records about each key on the branch whose tip is `tip` ("" for no branch), in order of their paths.

    Two git processes, whatever the number of keys. A file that is not a record of its key is left out.
    """
    found: dict[EvidenceKey, list[Evidence]] = {key: [] for key in keys}
    if not tip or not keys:
        return dict.fromkeys(keys, ())
    listing = git.run("ls-tree", "-r", "-z", "--full-tree", tip, "--", *(f"{key.folder}/" for key in found))
    entries = [entry.partition("\t") for entry in listing.decode().split("\0") if entry]
    blobs = [(path, meta.split(" ")[2]) for meta, _, path in entries]
    for (path, oid), blob in zip(blobs, read_objects(git, [oid for _, oid in blobs]), strict=True):
        record = parse_evidence(blob.data, path=path, blob=oid) if blob else None
        if record is not None and record.key in found and path == evidence_path(record, blob.data if blob else b""):
            found[record.key].append(record)
    return {key: tuple(records) for key, records in found.items()}


def add_evidence(git: Git, writer: Writer, tip: str, records: Sequence[Evidence]) -> tuple[list[Evidence], Update | None]:
    """The records with their places on the branch, and the update that puts those there which are not there yet."""
    placed = []
    for record in records:
        data = format_evidence(record)
        placed.append(replace(record, path=evidence_path(record, data), blob=writer.blob(data)))
    known = _known(git, tip, [record.path for record in placed])
    missing = {record.path: record.blob for record in placed if record.path not in known}
    if not missing:
        return placed, None
    tree = writer.tree(tip or None, missing)
    new = [record for record in placed if record.path in missing]
    subject = f"evidence for {', '.join(sorted({record.config for record in new}))}"
    trailers = [(f"Evidence-{number}", f"{record.path} {record.blob}") for number, record in enumerate(new, 1)]
    commit = writer.commit(tree, tip or None, format_message(subject, "", trailers))
    return placed, Update(EVIDENCE_REF, commit, tip or None)


def _known(git: Git, tip: str, paths: Sequence[str]) -> frozenset[str]:
    if not tip:
        return frozenset()
    listing = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", tip, "--", *paths)
    return frozenset(listing.decode().split("\0"))
