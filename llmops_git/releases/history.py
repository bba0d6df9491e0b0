"""The history of an environment, read from its commits in two git processes, however long it is.

What ran is taken from the records in each commit's tree, not from messages: a promotion merged by hand counts as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmops_git.releases.messages import Message, parse_message
from llmops_git.releases.records import parse_record
from llmops_git.releases.values import Deployment, Running
from llmops_git.repo.objects import GitObject, ObjectReader, tree_entries

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

_PERSON = re.compile(r"^(author|committer) (.*) <([^>]*)> (\d+) [+-]\d+$", re.MULTILINE)
_PARENT = re.compile(r"^parent ([0-9a-f]+)$", re.MULTILINE)
_FORGE = "noreply@"  # who commits what people merge on the pages of a forge; the author is the person
_LAST_PARAGRAPHS = 3  # of a message in which the trailers may be: forges put co-authors below them
_SUFFIX = ".conf"


@dataclass(frozen=True, slots=True)
class _Commit:
    oid: str
    tree: str
    time: int
    person: str  # who committed it, or merged it on the pages of a forge
    message: Message
    merged: str  # second parent of a merge, or ""


def read_history(git: Git, tip: str) -> list[Deployment]:
    """Every deployment on the branch whose tip is `tip`, oldest first, in the branch's own order and not by time.

    In a shallow clone the first commit that is there counts as the first one: see `history_is_cut`.
    """
    if not tip:
        return []
    oids = git.run("rev-list", "--first-parent", "--reverse", tip).decode().split()
    with ObjectReader(git) as reader:
        commits = _with_reasons(reader, [_parse_commit(found) for found in reader.read(oids) if found])
        trees = [_records(git, tree) for tree in reader.read([commit.tree for commit in commits])]
        changed = [(commit, config, oid) for commit, config, oid in _changes(commits, trees)]
        blobs = reader.read([oid for _, _, oid in changed])
    records = [
        (commit, parse_record(config, blob.data)) for (commit, config, _), blob in zip(changed, blobs, strict=True) if blob
    ]
    return _deployments([(commit, record) for commit, record in records if record])


def history_is_cut(git: Git, tip: str) -> bool:
    """Whether this clone lacks the older part of the branch (a shallow clone that was not completed)."""
    if not git.location.shallow or not tip:
        return False
    shallow = (git.location.common_dir / "shallow").read_text().split()
    return bool(set(git.run("rev-list", "--first-parent", tip).decode().split()) & set(shallow))


def _records(git: Git, tree: GitObject | None) -> dict[str, str]:
    """Config -> blob id of its record."""
    entries = tree_entries(tree.data, git.location.object_format) if tree else []
    return {entry.name.removesuffix(_SUFFIX): entry.oid for entry in entries if entry.name.endswith(_SUFFIX)}


def _changes(commits: Sequence[_Commit], trees: Sequence[dict[str, str]]) -> Iterator[tuple[_Commit, str, str]]:
    before: dict[str, str] = {}
    for commit, records in zip(commits, trees, strict=True):
        yield from ((commit, config, oid) for config, oid in sorted(records.items()) if before.get(config) != oid)
        before = records


def _deployments(records: Sequence[tuple[_Commit, Running]]) -> list[Deployment]:
    found = []
    last: dict[str, str] = {}
    for commit, running in records:
        message = commit.message
        found.append(
            Deployment(
                commit=commit.oid,
                time=commit.time,
                actor=message.trailers.get("Actor", commit.person),
                running=running,
                reason=message.summary,
                previous=last.get(running.config, ""),
            )
        )
        last[running.config] = running.release
    return found


def _with_reasons(reader: ObjectReader, commits: list[_Commit]) -> list[_Commit]:
    """The commits, with merges of a proposed deployment speaking for it: they give its reason, and who merged is the actor."""
    silent = [commit for commit in commits if commit.merged and "Action" not in commit.message.trailers]
    proposals = reader.read([commit.merged for commit in silent])
    said = {
        commit.oid: _parse_commit(found).message for commit, found in zip(silent, proposals, strict=True) if found is not None
    }
    return [
        replace(commit, message=replace(said[commit.oid], trailers={}))
        if commit.oid in said and "Action" in said[commit.oid].trailers
        else commit
        for commit in commits
    ]


def _parse_commit(found: GitObject) -> _Commit:
    """A raw commit object: header lines, an empty line, the message (git-commit-tree; gitformat-signature for `gpgsig`)."""
    head, _, body = found.data.decode(errors="replace").partition("\n\n")
    people = {role: (name, address, int(time)) for role, name, address, time in _PERSON.findall(head)}
    committer, address, time = people.get("committer", ("", "", 0))
    author = people.get("author", ("", "", 0))[0]
    parents = _PARENT.findall(head)
    return _Commit(
        oid=found.oid,
        tree=head[len("tree ") :].split("\n", 1)[0],
        time=time,
        person=author if address.startswith(_FORGE) else committer,
        message=_message(body),
        merged=parents[1] if len(parents) > 1 else "",
    )


def _message(body: str) -> Message:
    """The message; where something was put below the trailers of a deployment, up to these."""
    whole = parse_message(body, tag=False)
    paragraphs = body.rstrip().split("\n\n")
    for end in range(len(paragraphs), max(1, len(paragraphs) - _LAST_PARAGRAPHS), -1):
        message = parse_message("\n\n".join(paragraphs[:end]), tag=False)
        if "Action" in message.trailers:
            return message
    return whole
