"""The values of one evaluation as commands see it: candidates, their bases, how to run, what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llmops_git.configs.values import Change, Config
from llmops_git.evals.plan import Plan
from llmops_git.evals.values import Against, Run
from llmops_git.reports.values import Report
from llmops_git.traces.span import Span

# (config name, config digest, eval digest) of runs that are wanted -> those known from releases, by the two digests
Released = Callable[[Sequence[tuple[str, str, str]]], Mapping[tuple[str, str], Run]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a head is compared with. `config` is None when there is nothing to compare with."""

    config: Config | None
    against: Against
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One head to be evaluated, with the bases it is held against (the first one is primary)."""

    change: Change
    head: Config
    bases: tuple[Base, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to run: hooks of the command line. `replies` is the folder of the reply cache; None runs fresh."""

    replies: Path | None
    repeats: int | None = None
    replay: Path | None = None
    record: Path | None = None
    released: Released | None = None
    earlier: Mapping[tuple[str, str], Run] = field(default_factory=dict)  # runs to pool with, by the two digests
    on_plan: Callable[[Plan], None] | None = None
    on_progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The report, and what a run folder keeps besides it."""

    report: Report
    runs: tuple[Run, ...] = ()
    spans: Iterable[Span] = ()
