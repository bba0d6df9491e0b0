"""What a fork's own job says it measured. Nothing of it is believed; its numbers may be shown, beside our own diff. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmops_git.configs.values import Change
from llmops_git.errors import LlmopsError
from llmops_git.evals.values import Comparison
from llmops_git.reports.json_report import report_from_document
from llmops_git.reports.values import ConfigReport, Report

MOST_BYTES = 4 * 1024 * 1024


def numbers_only(data: bytes | None, *, head: str, changes: Sequence[Change]) -> Report | None:
    """The report in `data` cut down to numbers: for commit `head` only, for configs that did change there only, under the
    scorers they really have, and with our own account of what changed. None where nothing is left or readable.

    All texts (answers, reasons, notes, names of models) are left out: whoever runs a fork's job can write anything there.
    """
    report = _parsed(data)
    if report is None or report.head != head:
        return None
    known = {change.config: change for change in changes if change.head is not None}
    configs = [
        numbers
        for config in report.configs
        if (change := known.get(config.change.config)) and (numbers := _numbers(config, change))
    ]
    if not configs:
        return None
    return replace(report, configs=tuple(configs), guardrails=(), how={}, problems=())


def _parsed(data: bytes | None) -> Report | None:
    if data is None:
        return None
    try:
        document = json.loads(data)
        return report_from_document(document) if isinstance(document, Mapping) else None
    except (ValueError, RecursionError, LlmopsError, TypeError, KeyError):
        return None


def _numbers(config: ConfigReport, change: Change) -> ConfigReport | None:
    head = change.head
    if head is None or head.evaluation is None or config.change.head is None or config.change.head.digest != head.digest:
        return None
    names = {scorer.name for scorer in head.evaluation.scorers}
    comparisons = tuple(_bare(comparison, names) for comparison in config.comparisons if comparison.head_digest == head.digest)
    return replace(config, change=change, comparisons=comparisons, runs=(), notes=()) if comparisons else None


def _bare(comparison: Comparison, names: set[str]) -> Comparison:
    scorers = tuple(replace(scorer, notes=()) for scorer in comparison.scorers if scorer.scorer in names)
    ratios = tuple(ratio for ratio in comparison.ratios if ratio.name in names)
    bare = replace(
        comparison, scorers=scorers, ratios=ratios, flipped=(), errors={}, hard_failures=(), reasons=(), unmeasured=()
    )
    return replace(bare, base_name="")
