"""The report value: everything that one evaluation has to say, rendered by the format files beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llmops_git.configs.values import Change
from llmops_git.errors import Problem
from llmops_git.evals.shards import Shard
from llmops_git.evals.values import Comparison, Run, Spending, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReport:
    """One changed config: what changed, every comparison, and the config's verdict (the worst of the gating ones).

    Or, where `kind` says so, one guardrail pack: its change is called `guardrails/<pack>`, its scorers are attack families and
    false alarms, its cases the texts of its suites.
    """

    change: Change
    comparisons: tuple[Comparison, ...]
    runs: tuple[Run, ...]
    verdict: Verdict
    gate_passes: bool
    evaluated: bool = True  # False: nothing that reaches the model or the evaluation changed
    notes: tuple[str, ...] = ()  # e.g. "this change edits its own eval set: scored on the base's too"
    kind: Literal["config", "pack"] = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One evaluation of one change: base tree against head tree."""

    base: str  # commit id
    head: str  # commit id, `index` or `worktree`
    configs_total: int
    configs: tuple[ConfigReport, ...]
    verdict: Verdict
    gate_passes: bool
    spending: Spending = field(default_factory=Spending)
    how: Mapping[str, Any] = field(default_factory=dict)  # alpha, repeats, engines, versions, started_at
    problems: tuple[Problem, ...] = ()
    shard: Shard | None = None  # one part of a run: it has no verdict (`invalid`) before all of them are merged
    guardrails: tuple[ConfigReport, ...] = ()  # the packs that changed, or whose suites did

    @property
    def entries(self) -> tuple[ConfigReport, ...]:
        """Everything that has a verdict: configs, then packs."""
        return (*self.configs, *self.guardrails)
