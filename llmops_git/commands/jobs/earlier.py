"""What earlier attempts of this run measured: a re-run adds to it and does not replace it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmops_git.commands.pairings import Key
from llmops_git.evals.evidence import run_from_document
from llmops_git.evals.folder import FORMAT, REPORT_FILE, RUNS_FILE
from llmops_git.evals.values import Run
from llmops_git.forges.base import ForgeError

if TYPE_CHECKING:
    from llmops_git.commands.jobs.session import Session

MOST_BYTES = 64 * 1024 * 1024


def artifact_name(key: str, attempt: int) -> str:
    """The name under which the evaluate workflow keeps the report folder of an attempt."""
    return f"llmops-git-{key}-{attempt}"


def earlier_runs(session: Session) -> dict[Key, Run]:
    """The runs of the newest earlier attempt that reached a verdict (it holds those of the attempts before it).

    An attempt that could not measure left nothing to choose from, and is passed over. What cannot be read is said in the log
    and left out: the artifact belongs to the same run of the same workflow, and adds samples, never a verdict.
    """
    event = session.event
    if session.forge is None or event.attempt <= 1:
        return {}
    for attempt in range(event.attempt - 1, 0, -1):
        name = artifact_name(session.inputs.comment_key, attempt)
        try:
            files = session.forge.artifact_files(event.run_id, name, [RUNS_FILE, REPORT_FILE], most_bytes=MOST_BYTES)
        except ForgeError as error:
            session.note("warning", f"attempt {attempt} could not be read, so its samples are not pooled: {error.message}")
            continue
        runs = _runs(files.get(RUNS_FILE), files.get(REPORT_FILE))
        if runs:
            return runs
    return {}


def _runs(runs: bytes | None, report: bytes | None) -> dict[Key, Run]:
    """The runs of one attempt by their keys; none where it reached no verdict or is not readable."""
    if not runs or not report:
        return {}
    try:
        if json.loads(report)["verdict"] == "invalid":
            return {}
        document = json.loads(runs)
        found = [run_from_document(item) for item in document["runs"]] if document["format"] == FORMAT else []
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {(run.config_digest, run.eval_digest): run for run in found}
