"""Evidence out of a report: of an evaluation that just ran, or of a run folder that `eval` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.releases.evidence import Evidence, EvidenceKey, evidence_from

if TYPE_CHECKING:
    from llmops_git.evals.values import Run
    from llmops_git.reports.values import ConfigReport, Report


def evidence_in_report(report: Report, runs: Sequence[Run] = ()) -> list[Evidence]:
    """One record for each config that was evaluated. `runs` are the runs with their samples, where the report has none."""
    records = [_evidence_of(config, runs or config.runs) for config in report.configs if config.evaluated]
    return [record for record in records if record is not None]


def _evidence_of(config: ConfigReport, runs: Sequence[Run]) -> Evidence | None:
    from llmops_git.evals.evidence import run_document

    own = [comparison for comparison in config.comparisons if comparison.instrument == "head"]
    if not own:
        return None
    key = EvidenceKey(own[0].config, own[0].head_digest, own[0].eval_digest)
    found = [run for run in runs if (run.config_digest, run.eval_digest) == (key.config_digest, key.eval_digest)]
    if not found:
        return None
    return evidence_from(
        config.comparisons, key=key, verdict=config.verdict, gate_passes=config.gate_passes, run=run_document(found[0])
    )


def evidence_in_folder(folder: Path) -> list[Evidence]:
    """The records in a run folder. Raises InvalidInput or LlmopsError when it is not one."""
    from llmops_git.commands.report import REPORT_FILE, read_document
    from llmops_git.evals.folder import read_runs
    from llmops_git.reports.json_report import report_from_document

    file = folder / REPORT_FILE
    return evidence_in_report(report_from_document(read_document(file), path=str(file)), read_runs(folder))
