"""Run folders: where `eval` keeps what it measured, and where `report` and `release` find it again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.against_itself import AgainstItself
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Evaluated
    from llmops_git.evals.shard_file import ShardRecord


def runs_folder(project: Project) -> Path:
    """Where run folders are kept: `.llmops/runs` in the work tree; beside the objects of a bare repository."""
    location = project.git.location
    if location.work_tree is None:
        return location.common_dir / "llmops-git" / "runs"
    return location.work_tree / project.root / ".llmops" / "runs"


def newest_run(project: Project) -> Path:
    """The newest run folder. Raises LlmopsError when there is none."""
    folders = sorted(path for path in runs_folder(project).glob("*") if (path / "report.json").is_file())
    if not folders:
        raise LlmopsError(f"there is no run in {runs_folder(project)}", hint="llmops-git eval")
    return folders[-1]


def check_output(folder: Path) -> None:
    """Raises LlmopsError where a run folder cannot be put at `folder`: better before the first request than after the last."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "report.json").is_file():
        raise LlmopsError(f"{folder} is not empty and not a run folder", hint="name a folder that does not exist yet")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LlmopsError(f"{folder} cannot be made: {error.strerror}") from None


def keep_noise(project: Project, found: AgainstItself, output: Path | None) -> Path:
    """Write what `eval --aa` measured as a run folder beside the others, where no command takes it for a comparison."""
    from llmops_git.evals.folder import write_run_folder
    from llmops_git.reports.noise_text import render_noise

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = output or runs_folder(project).parent / "aa" / stamp
    comment = render_noise(found.found, color=False) + "\n"
    write_run_folder(folder, runs=found.runs, spans=found.spans, report=found.document, comment=comment)
    return folder


def keep_run(project: Project, evaluated: Evaluated, output: Path | None, *, record: ShardRecord | None = None) -> Path:
    """Write the run folder: run.json, report.json, comment.md, traces.jsonl. The folder's path. With the `record` of a shard,
    run.json is that."""
    from llmops_git.evals.folder import write_run_folder
    from llmops_git.evals.shard_file import shard_header
    from llmops_git.reports.json_report import report_document
    from llmops_git.reports.markdown import render_comment

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    folder = output or runs_folder(project) / stamp
    write_run_folder(
        folder,
        runs=evaluated.runs,
        spans=evaluated.spans,
        report=report_document(evaluated.report),
        comment=render_comment(evaluated.report, run=folder.name),
        header=shard_header(record) if record else None,
    )
    return folder
