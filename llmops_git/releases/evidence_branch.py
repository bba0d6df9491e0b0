"""The evidence branch `llmops/evidence`: an orphan branch of content-addressed records to which files are only ever added.

Two writers never disagree about a path, so a lost race is won by putting the same files on top of the other's commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmops_git.releases.evidence import (
    Evidence,
    EvidenceKey,
    evidence_path,
    format_evidence,
    is_evidence_path,
    parse_evidence,
)
from llmops_git.releases.messages import format_message
from llmops_git.releases.registry import EVIDENCE_REF
from llmops_git.releases.statement import (
    disagreements,
    envelope_of,
    envelope_path,
    format_statement,
    pre_authentication,
    statement_of,
    statement_path,
)
from llmops_git.repo.fetch import tampered
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
    blobs = [(path, meta.split(" ")[2]) for meta, _, path in entries if is_evidence_path(path)]
    for (path, oid), blob in zip(blobs, read_objects(git, [oid for _, oid in blobs]), strict=True):
        record = parse_evidence(blob.data, path=path, blob=oid) if blob else None
        if record is not None and record.key in found and path == evidence_path(record, blob.data if blob else b""):
            found[record.key].append(record)
    return {key: tuple(records) for key, records in found.items()}


def add_evidence(git: Git, writer: Writer, tip: str, records: Sequence[Evidence]) -> tuple[list[Evidence], Update | None]:
    """The records with their places on the branch, and the update that puts those there which are not there yet.

    Each record comes with its in-toto statement and, where the writer signs, with that statement in a signed envelope.
    Raises Tampered when the branch has a statement that does not say what the record says.
    """
    paths = [evidence_path(record, format_evidence(record)) for record in records]
    known = _known(git, tip, [place for path in paths for place in (path, statement_path(path), envelope_path(path))])
    placed, missing = [], {}
    for record, path in zip(records, paths, strict=True):
        files = _files(git, writer, record, path, known)
        placed.append(
            replace(
                record, path=path, blob=files[path], statement=statement_path(path), statement_blob=files[statement_path(path)]
            )
        )
        missing.update({place: blob for place, blob in files.items() if place not in known})
    if not missing:
        return placed, None
    tree = writer.tree(tip or None, missing)
    new = [record for record in placed if record.path in missing or record.statement in missing]
    about = sorted({record.config for record in new or placed})
    trailers = [(f"Evidence-{number}", f"{record.path} {record.blob}") for number, record in enumerate(new or placed, 1)]
    commit = writer.commit(tree, tip or None, format_message(f"evidence for {', '.join(about)}", "", trailers))
    return placed, Update(EVIDENCE_REF, commit, tip or None)


def _files(git: Git, writer: Writer, record: Evidence, path: str, known: Mapping[str, str]) -> dict[str, str]:
    """The files of one record, path -> blob. A statement that is there already stays, if it says the same."""
    data = format_evidence(record)
    statement = format_statement(statement_of(record, path, data))
    files = {path: writer.blob(data), statement_path(path): writer.blob(statement)}
    there = known.get(statement_path(path), "")
    if there not in ("", files[statement_path(path)]):
        (found,) = read_objects(git, [there])
        wrong = disagreements(found.data if found else b"", record, path, data)
        if found is None or wrong:
            raise tampered([f"{statement_path(path)} on the evidence branch was changed: {'; '.join(wrong)}"])
        files[statement_path(path)], statement = there, found.data
    if (writer.signing.tags or writer.signing.commits) and envelope_path(path) not in known:
        signature = writer.signature(pre_authentication(statement))
        files[envelope_path(path)] = writer.blob(format_statement(envelope_of(statement, signature)))
    return files


def _known(git: Git, tip: str, paths: Sequence[str]) -> dict[str, str]:
    """Those of the paths that are on the branch -> their blobs."""
    if not tip:
        return {}
    listing = git.run("ls-tree", "-r", "-z", "--full-tree", tip, "--", *paths).decode()
    entries = [entry.partition("\t") for entry in listing.split("\0") if entry]
    return {path: meta.split(" ")[2] for meta, _, path in entries}
