"""Draws live requests, scores them, and writes the scores into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError
from llmops_git.evals.values import Spending
from llmops_git.monitoring.live_sample import Drawn, drawing, drawn_of, sample_of, score_spans

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.values import Config, ScorerSettings
    from llmops_git.evals.budget import Ledger
    from llmops_git.evals.live_scoring import LiveScoring
    from llmops_git.monitoring.store import Store
    from llmops_git.scorers.base import Sample, Score
    from llmops_git.traces.span import Span

_WRITTEN = 200  # traces whose scores are kept together: what is killed loses no more, and its cache has the replies
_NEEDS_EXPECTED = frozenset(
    {"exact", "edit_similarity", "rouge", "bleu", "chrf", "numeric", "tool_calls", "context_recall", "pairwise"}
)
_NOTHING_TO_SAY = "no scorer can say anything of it without an expected answer"
_MEASURED_ANYWAY = frozenset({"latency", "ttft", "tokens", "cost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What came of one config. `means`: (release, scorer) -> how many and their mean; `left_out`: why -> how many."""

    config: str
    drawn: int
    scored: int = 0
    means: Mapping[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    spending: Spending = field(default_factory=Spending)


def score_live(
    project: Project,
    configs: Sequence[str],
    scorers: Sequence[str],
    *,
    each: int,
    since: datetime,
    until: datetime,
    max_usd: float,
    where: str | None,
    dry_run: bool,
) -> list[Scored]:
    """Score each config's live requests. Raises LlmopsError, and NotMeasured where there are no traces."""
    from llmops_git.commands.stored import stored_traces
    from llmops_git.evals.budget import Ledger

    tree = project.tree(None)
    policy = project.policy(tree)
    store = stored_traces(project, where)
    limit = max_usd if policy.budget.max_usd is None else min(max_usd, policy.budget.max_usd)
    ledger = Ledger(replace(policy.budget, max_usd=limit))
    found = []
    for name in configs or project.configs(tree):
        config = project.load(tree, name)
        chosen = scorers_of(config, scorers)
        if chosen:
            drawn = _drawn(store, config, chosen, each, since, until)
            one = Scored(config=config.name, drawn=len(drawn))
            found.append(one if dry_run else _score(project, policy, store, config, chosen, drawn, ledger))
        elif configs:
            raise LlmopsError(f"`{name}` has no scorer that can judge a live request", hint="docs/commands/monitor.md")
    return found


def scorers_of(config: Config, names: Sequence[str]) -> tuple[ScorerSettings, ...]:
    """The scorers named, or those that can say something without an expected answer. Raises LlmopsError for an unknown name."""
    from llmops_git.configs.paths import suggestion

    known = {} if config.evaluation is None else {one.name: one for one in config.evaluation.scorers}
    for name in names:
        if name not in known:
            hint = suggestion(name, known) or f"the scorers are: {', '.join(known)}"
            raise LlmopsError(f"`{config.name}` has no scorer `{name}`", hint=hint)
    if names:
        return tuple(known[name] for name in names)
    return tuple(one for one in known.values() if _says_something(one))


def _says_something(scorer: ScorerSettings) -> bool:
    if scorer.use in _NEEDS_EXPECTED | _MEASURED_ANYWAY or scorer.use == "weighted":
        return False
    if scorer.use == "embedding_similarity" and "text" not in scorer.options:
        return False
    return scorer.options.get("reference") != "expected"


def _drawn(
    store: Store, config: Config, scorers: Sequence[ScorerSettings], each: int, since: datetime, until: datetime
) -> list[Drawn]:
    from llmops_git.evals.live_scoring import instrument_of

    query = drawing(config.name, since, until, each, [instrument_of(one) for one in scorers])
    with store.connection() as connection:
        rows = connection.execute(query.sql, list(query.parameters)).fetchall()
    return drawn_of(rows, each)


def _score(
    project: Project,
    policy: Policy,
    store: Store,
    config: Config,
    scorers: Sequence[ScorerSettings],
    drawn: Sequence[Drawn],
    ledger: Ledger,
) -> Scored:
    from llmops_git.evals.live_scoring import instrument_of

    instruments = {one.name: instrument_of(one) for one in scorers}
    left_out: Counter[str] = Counter()
    sums: dict[tuple[str, str], tuple[int, float]] = {}
    scored: set[str] = set()
    by_id = {one.trace_id: one for one in drawn}
    told: dict[str, tuple[Span, ...]] = {}
    waiting: list[Span] = []

    def samples() -> Iterator[tuple[str, Sample]]:
        for one in drawn:
            spans = store.read_trace(one.trace_id)
            sample = sample_of(spans)
            if isinstance(sample, str):
                left_out[sample] += 1
                continue
            told[one.trace_id] = spans
            yield one.trace_id, sample

    with _opened(project, policy, config, scorers, ledger) as scoring:
        for trace_id, scores in scoring.score(samples()):
            one = by_id[trace_id]
            waiting += _kept(told.pop(trace_id), scores, instruments, one.stands_for)
            if _count(one.release, scores, sums, left_out):
                scored.add(trace_id)
            elif all(score.state == "not_applicable" for score in scores.values()):
                left_out[_NOTHING_TO_SAY] += 1
            if len(waiting) >= _WRITTEN:
                store.append(waiting)
                waiting.clear()
        store.append(waiting)
        spending = scoring.spending()
    means = {key: (n, total / n) for key, (n, total) in sorted(sums.items(), reverse=True)}
    return Scored(
        config=config.name, drawn=len(drawn), scored=len(scored), means=means, left_out=dict(left_out), spending=spending
    )


def _kept(spans: Sequence[Span], scores: Mapping[str, Score], instruments: Mapping[str, str], weight: float) -> Iterator[Span]:
    import time

    return score_spans(spans, scores, instruments, weight, time.time_ns())


def _count(
    release: str,
    scores: Mapping[str, Score],
    sums: dict[tuple[str, str], tuple[int, float]],
    left_out: Counter[str],
) -> bool:
    """Add a request's scores; whether there is one."""
    measured = False
    for name, score in scores.items():
        if score.state == "measured" and score.value is not None:
            n, total = sums.get((release, name), (0, 0.0))
            sums[release, name] = (n + 1, total + score.value)
            measured = True
        elif score.state == "not_measured":
            left_out[f"{name}: {score.explanation}"] += 1
    return measured


@contextmanager
def _opened(
    project: Project, policy: Policy, config: Config, scorers: Sequence[ScorerSettings], ledger: Ledger
) -> Iterator[LiveScoring]:
    from llmops_git.commands.evaluate import limits_of, replies_folder
    from llmops_git.commands.opened import open_named, replies_cache
    from llmops_git.commands.trial import Settings
    from llmops_git.evals.lanes import scoring_lanes_of
    from llmops_git.evals.live_scoring import LiveScoring
    from llmops_git.evals.retry import SystemClock
    from llmops_git.providers.prices import price_table

    settings = Settings(replies=replies_folder(project))
    if config.evaluation is None:
        raise LlmopsError(f"`{config.name}` has no evaluation")
    evaluation = replace(config.evaluation, scorers=tuple(scorers))
    with ExitStack() as stack:
        names = sorted(set(scoring_lanes_of(evaluation)))
        providers = {name: stack.enter_context(open_named(name, policy, settings)) for name in names}
        yield LiveScoring(
            config,
            evaluation,
            providers,
            cache=stack.enter_context(replies_cache(settings)),
            budget=ledger,
            prices=price_table(policy),
            limits=limits_of(policy, settings),
            clock=SystemClock(),
            allowed_scorers=policy.allowed_scorers,
            allowed_checks=policy.allowed_checks,
        )
