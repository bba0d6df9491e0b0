"""The report as JSON (`schemas/report.schema.json`): what `report.json` in a run folder holds, and the way back."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from llmops_git.evals.values import Comparison, Run
from llmops_git.reports.changes import change_document, problem_document
from llmops_git.reports.values import ConfigReport, Report

SCHEMA = "llmops-git/report/1"


def report_document(report: Report) -> dict[str, Any]:
    """The report as JSON values (no NaN or infinity: these become null), valid against `schemas/report.schema.json`.

    Samples stay in the evidence of the run folder; everything that a comment shows is here.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": report.verdict,
        "gate_passes": report.gate_passes,
        "base": report.base,
        "head": report.head,
        "configs_total": report.configs_total,
        "configs": [_config(config) for config in report.configs],
        "spending": _flat(report.spending),
        "how": json.loads(json.dumps(dict(report.how), default=str)),
        "problems": [problem_document(problem) for problem in report.problems],
    }
    if report.guardrails:
        document["guardrails"] = [_config(pack) for pack in report.guardrails]
    if report.shard is not None:
        document["shard"] = _flat(report.shard)
    finite: dict[str, Any] = _finite(document)
    return finite


def report_from_document(document: Mapping[str, Any], *, path: str = "report.json") -> Report:
    """The report of a document, enough to render it in every format again (runs come without samples).

    Raises InvalidInput, naming `path` and the field, when the document is not valid against the schema.
    """
    from llmops_git.reports.json_read import read_report

    return read_report(document, path=path)


def entry_document(entry: ConfigReport) -> dict[str, Any]:
    """One config, or one pack, as JSON values."""
    finite: dict[str, Any] = _finite(_config(entry))
    return finite


def _config(config: ConfigReport) -> dict[str, Any]:
    return {
        "config": config.change.config,
        "verdict": config.verdict,
        "gate_passes": config.gate_passes,
        "evaluated": config.evaluated,
        "notes": list(config.notes),
        "change": change_document(config.change),
        "comparisons": [_comparison(comparison) for comparison in config.comparisons],
        "runs": [_run(run) for run in config.runs],
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    parts = {
        "scorers": [_flat(scorer) for scorer in comparison.scorers],
        "ratios": [_flat(ratio) for ratio in comparison.ratios],
        "flipped": [_flat(case) for case in comparison.flipped],
        "slices": [_flat(part) for part in comparison.slices],
    }
    return {**_flat(comparison), **parts}


def _run(run: Run) -> dict[str, Any]:
    """What was run, without its samples."""
    names = ("config", "config_digest", "eval_digest", "provider", "model", "engine", "started_at", "repeats")
    return {**{name: getattr(run, name) for name in names}, "scorers": [_flat(scorer) for scorer in run.scorers]}


def _flat(value: Any) -> dict[str, Any]:
    """The fields of a value, tuples as lists."""
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: list(item) if isinstance(item, tuple) else item for name, item in found.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
