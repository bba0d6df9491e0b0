"""What was measured, with what it was measured by: the runs of a folder, and the eval sets and judges they were made under."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.values import Config, Evaluation
    from llmops_git.evals.values import Comparison, Run
    from llmops_git.reports.values import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The two runs of one config, and the evaluation that both were made under. `base` is None where there was none."""

    config: str
    base: Run | None
    head: Run
    evaluation: Evaluation


def read_report(folder: Path) -> Report:
    """The report of a run folder. Raises LlmopsError or InvalidInput where it is none."""
    from llmops_git.commands.report import REPORT_FILE, read_document
    from llmops_git.reports.json_report import report_from_document

    file = folder / REPORT_FILE
    return report_from_document(read_document(file), path=str(file))


def measured_in(project: Project, folder: Path) -> list[Measured]:
    """What a run folder holds, by config. Raises LlmopsError where an eval set is in none of the trees that it can be in."""
    from llmops_git.evals.folder import read_runs

    report, runs = read_report(folder), read_runs(folder)
    known = {(run.config_digest, run.eval_digest): run for run in runs}
    found = []
    for config in report.configs:
        decisive = _decisive(config.comparisons)
        head = known.get((decisive.head_digest, decisive.eval_digest)) if decisive else None
        if decisive is None or head is None:
            continue
        name = config.change.config
        evaluation = evaluation_of(project, name, decisive.eval_digest, [report.head, report.base])
        if evaluation is None:
            raise LlmopsError(
                f"the eval set that `{name}` was measured with is in none of the work tree, HEAD and the run's commits",
                hint="check out the commit that was evaluated, or run llmops-git eval again",
            )
        base = known.get((decisive.base_digest, decisive.eval_digest))
        found.append(Measured(config=name, base=base, head=head, evaluation=evaluation))
    return found


def _decisive(comparisons: Sequence[Comparison]) -> Comparison | None:
    """The comparison with the primary baseline under the change's own eval set."""
    from llmops_git.evals.gate import PRIMARY

    own = [one for one in comparisons if one.instrument == "head"] or list(comparisons)
    return min(own, key=lambda one: PRIMARY.index(one.against), default=None)


def evaluation_of(project: Project, name: str, eval_digest: str, revisions: Sequence[str]) -> Evaluation | None:
    """The evaluation with this digest: of the work tree, HEAD or one of the revisions; None where it is nowhere."""
    for config in _versions(project, name, revisions):
        if config.evaluation is not None and config.evaluation.digest == eval_digest:
            return config.evaluation
    return None


def _versions(project: Project, name: str, revisions: Sequence[str]) -> Iterator[Config]:
    tried = set()
    for revision in (None, "HEAD", *revisions):
        if revision in tried or revision in ("", "worktree", "index"):
            continue
        tried.add(revision)
        try:
            yield project.load(project.tree(revision), name)
        except (LlmopsError, NotMeasured):
            continue  # this tree does not have it, or not in a form that can be read
