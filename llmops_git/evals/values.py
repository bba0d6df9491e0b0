"""The values of the evaluation slice: samples, runs (evidence), comparisons and verdicts. Frozen, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llmops_git.providers.base import Usage
from llmops_git.scorers.base import Direction, GuardHit, Scale, Score

Verdict = Literal["improved", "unchanged", "regressed", "inconclusive", "invalid"]
Instrument = Literal["head", "base"]  # whose eval set, scorers and gate the comparison used
Against = Literal["merge base", "production", "previous release", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScore:
    """What a scorer that compares two answers says of a sample's against that of the same case and repeat of the run of
    another config, by its digest: 1 where the sample's own is better."""

    base_digest: str
    scorer: str
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleResult:
    """One sample of one case: the k-th repeat. `error` is the class of the provider error that left it unmeasured."""

    case: str
    repeat: int
    output: str = ""
    finish_reason: str = ""
    usage: Usage = Usage()
    latency_seconds: float | None = None
    cost_usd: float | None = None
    cached: bool = False
    error: str = ""
    scores: Mapping[str, Score] = field(default_factory=dict)
    trace_id: str = ""
    pairs: tuple[PairScore, ...] = ()
    guards: tuple[GuardHit, ...] = ()  # guardrail rules that found something or failed to decide


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerDeclaration:
    """What a scorer says of itself, kept with the evidence so that comparing needs no scorer code."""

    name: str
    use: str
    direction: Direction
    scale: Scale
    step: float
    ratio: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Evidence: one config (by digest) measured under one evaluation (by digest)."""

    config: str
    config_digest: str
    eval_digest: str
    provider: str
    model: str
    engine: str
    started_at: str  # ISO 8601, UTC
    repeats: int
    cases: tuple[str, ...]  # all planned case ids, in eval-set order
    must_pass: tuple[str, ...]  # the ids among them that must pass
    clusters: Mapping[str, str]  # case id -> cluster, where the evaluation declares one
    scorers: tuple[ScorerDeclaration, ...]
    samples: tuple[SampleResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerComparison:
    """One scorer, base against head. Means are over cases; `delta` is head - base in the scorer's own unit, as shown;
    `low` and `high` bound the *oriented* difference (plus is better), each side at 1 - alpha."""

    scorer: str
    direction: Direction
    gating: bool
    base: float | None
    head: float | None
    delta: float | None
    low: float | None
    high: float | None
    p_worse: float | None
    p_adjusted: float | None  # Holm, over the gating scorers of the whole pull request
    cases: int
    margin: float
    mde: float | None  # minimum detectable effect at 80 % power
    verdict: Verdict
    better: int = 0  # cases that got better, worse, stayed
    worse: int = 0
    same: int = 0
    notes: tuple[str, ...] = ()
    alpha: float = 0.05  # one-sided, at this look: what the interval, the p values and the verdict are held to


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceComparison:
    """One scorer over the cases with one tag: shown, never a verdict. Fields as those of ScorerComparison; `low` and `high`
    are None for too few cases."""

    tag: str
    scorer: str
    direction: Direction
    cases: int
    base: float | None = None
    head: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioComparison:
    """Cost or latency, head / base: geometric mean ratio with its interval, and the budget it is held to."""

    name: str
    unit: str
    base: float | None  # per case: mean cost, median latency
    head: float | None
    ratio: float | None
    low: float | None
    high: float | None
    max_ratio: float | None
    state: Literal["within", "over", "unproven", "not measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlippedCase:
    """A case whose score moved: what each side answered."""

    case: str
    scorer: str
    inputs: Mapping[str, Any]
    expected: Any
    base_value: float
    head_value: float
    base_output: str
    head_output: str
    better: bool
    must_pass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One config's head against one base, under one instrument. With `against: nothing` only absolute rules apply."""

    config: str
    against: Against
    base_name: str  # commit id or release tag
    instrument: Instrument
    base_digest: str
    head_digest: str
    eval_digest: str
    scorers: tuple[ScorerComparison, ...]
    ratios: tuple[RatioComparison, ...]
    flipped: tuple[FlippedCase, ...]
    planned: int  # pairs planned (cases x repeats)
    measured: int  # pairs measured on both sides
    errors: Mapping[str, int]  # class -> count, both sides
    hard_failures: tuple[str, ...]  # must_pass cases that failed, floors proven broken, budgets proven broken
    leaning_worse: bool
    verdict: Verdict
    reasons: tuple[str, ...]
    gate_passes: bool
    slices: tuple[SliceComparison, ...] = ()
    unmeasured: tuple[str, ...] = ()  # why the comparison as a whole says nothing, whatever its scorers say
    cases: int = 0  # of the evaluation
    concerned: int | None = None  # those whose requests differ between the sides; None where that is not known
    saved_requests: int = 0  # not sent, since the other side asks the same
    saved_usd: float | None = None  # what these would have cost; None where a price is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the run asked for: requests planned, sent and answered from the cache; tokens; dollars (None: unknown)."""

    planned: int = 0
    sent: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0
