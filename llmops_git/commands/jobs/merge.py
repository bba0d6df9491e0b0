"""`ci merge`: puts together what the shards of a change measured in other jobs, gates it, and says what came out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.commands.jobs.session import Session
from llmops_git.commands.jobs.targets import targets_of
from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.jobs.evaluate import Prepared
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Evaluated


def run(session: Session) -> int:
    """Merge the shards of the event's change. Exit code: as `evaluate`."""
    from llmops_git.commands.jobs.evaluate import exit_code_of, prepared
    from llmops_git.commands.jobs.opened import session_project
    from llmops_git.commands.jobs.tell import tell, tell_failure, tell_started
    from llmops_git.commands.runs import check_output

    check_output(session.inputs.report_dir)
    project = session_project(session)
    targets = targets_of(session, project.git.resolve("HEAD"))
    tell_started(session, targets)
    try:
        ready = prepared(session, project, targets)
        evaluated = _merged(session, project, ready)
    except LlmopsError as error:
        tell_failure(session, targets, error)
        raise
    tell(session, targets, project, evaluated, changes=ready.changes)
    return exit_code_of(session, evaluated.report)


def _merged(session: Session, project: Project, ready: Prepared) -> Evaluated:
    """The report on all shards, which must be of what the event is about; the token is in none of it."""
    from llmops_git.commands.assemble import Label
    from llmops_git.commands.evaluate import replies_folder
    from llmops_git.commands.guard_trials import guarded_by
    from llmops_git.commands.guarding import with_guardrails
    from llmops_git.commands.jobs.earlier import earlier_runs
    from llmops_git.commands.jobs.evaluate import gathered, unmeasured
    from llmops_git.commands.jobs.shard import measured_of
    from llmops_git.commands.merge import refuse_input, shard_folders
    from llmops_git.commands.merging import merge_shards
    from llmops_git.commands.secrets import without_secrets
    from llmops_git.commands.trial import Settings
    from llmops_git.evals.folder import read_spans
    from llmops_git.evals.merge import check_same, complete
    from llmops_git.evals.shard_file import read_shard_folder

    if not session.inputs.shards:
        raise LlmopsError("`merge` needs the folders of the shards", hint="shards: FOLDER  (with the artifacts of all shards)")
    folders = shard_folders([Path(folder) for folder in session.inputs.shards])
    refuse_input(session.inputs.report_dir, folders)
    records = complete([read_shard_folder(folder) for folder in folders])
    of, changes = records[0].of, ready.changes
    # how many attempts there were before, the shards knew when they ran
    check_same(of, replace(measured_of(session, ready, Settings(replies=None)), first_repeat=of.first_repeat))
    candidates, removed, _, _ = gathered(session, project, ready)
    not_asked = [record.not_asked for record in records if record.not_asked]
    if not_asked:
        return unmeasured(candidates, removed, not_asked[0], changes)
    guarded = guarded_by(project, changes, ready.policy, names=session.inputs.configs)
    evaluated = merge_shards(
        records,
        candidates,
        spans=chain.from_iterable(read_spans(folder) for folder in folders),
        policy=ready.policy,
        label=Label(base=changes.base_oid, head=changes.head_name, total=changes.total_configs, removed=removed),
        started=datetime.now(UTC),
        earlier=earlier_runs(session),
    )
    settings = Settings(replies=replies_folder(project))
    evaluated = with_guardrails(evaluated, guarded, policy=ready.policy, settings=settings)
    return without_secrets(evaluated, [session.token])
