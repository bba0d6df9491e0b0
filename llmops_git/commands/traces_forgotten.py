"""`llmops-git traces forget`: deletes a user's requests and shows the proof."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json
from llmops_git.commands.traces_kept import FORMAT, store_at
from llmops_git.commands.traces_shown import users_of
from llmops_git.errors import EXIT_NOT_MEASURED, EXIT_OK, NotMeasured
from llmops_git.reports.clean import clean
from llmops_git.reports.numbers import count

if TYPE_CHECKING:
    from llmops_git.monitoring.forget import Forgotten
    from llmops_git.monitoring.proof import Proof


def forget_users(
    where: str | None, users: Sequence[str], salt_env: str | None, also: Sequence[Path], *, dry_run: bool, form: str
) -> int:
    """Forget, prove, show; 3 where something is left."""
    from llmops_git.monitoring.erase import Forgetting
    from llmops_git.monitoring.files import LocalFiles, outside
    from llmops_git.monitoring.forget import forget, traces_of
    from llmops_git.monitoring.proof import prove

    store = store_at(where)
    if isinstance(store.files, LocalFiles) and not store.files.folder.is_dir():
        raise NotMeasured(f"there is no store in {store.files.where}, so nothing was deleted", hint="--store PLACE")
    ids = users_of(users, salt_env)
    if dry_run:
        with outside(store.files):
            found = traces_of(store, ids, also)
        _show(_document(None, None, len(found)), [f"would delete {count(len(found), 'trace')}"], form)
        return EXIT_OK
    done = forget(store, ids, now_ns=time.time_ns(), also=also)
    tombstones = store.tombstones()
    with outside(store.files):
        proof = prove(store, Forgetting(trace=tombstones.holds_trace, users=ids, traces=done.traces), also)
    _show(_document(done, proof, len(done.traces)), _lines(done, proof), form)
    return EXIT_NOT_MEASURED if proof.left else EXIT_OK


def _show(document: dict[str, Any], lines: Sequence[str], form: str) -> None:
    if form == "json":
        emit_json(document)
    else:
        click.echo("\n".join(lines))


def _document(done: Forgotten | None, proof: Proof | None, traces: int) -> dict[str, Any]:
    document: dict[str, Any] = {"format": FORMAT.format("forget"), "dry_run": done is None, "traces": traces}
    if done is not None:
        document |= {
            "spans": done.stored_spans,
            "raw_spans": done.raw_spans,
            "quarantined": done.quarantined,
            "rewritten": done.rewritten,
        }
    if proof is not None:
        document["proof"] = {
            "files": proof.files,
            "bytes": proof.bytes,
            "spans": proof.spans,
            "left": proof.left,
            "mentions": proof.mentions,
        }
    return document


def _lines(done: Forgotten, proof: Proof) -> list[str]:
    traces, files = count(len(done.traces), "trace"), count(len(done.rewritten), "file")
    entries = count(done.quarantined, "entry", "entries")
    lines = [
        f"deleted {traces}, in {files}: {done.stored_spans:,} spans, {done.raw_spans:,} in raw files, {entries} in quarantine",
        f"read again: {count(proof.files, 'file')}, {proof.bytes:,} bytes, {count(proof.spans, 'span')}",
        f"left: {len(proof.left)}",
    ]
    lines += [clean(f"  {name}: {what}") for name, what in sorted(proof.left.items())]
    if proof.left:
        lines.append("hint: outside of the store, --also FILE; in a file that is being written to, run it again")
    lines += [
        clean(f"note: {name} has the id as a text in somebody else's request, {count(number, 'time')}")
        for name, number in sorted(proof.mentions.items())
    ]
    return lines
