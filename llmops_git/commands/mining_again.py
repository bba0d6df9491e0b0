"""Asks the requests of mined failures again, under what runs now: does the failure come back?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmops_git.commands.asking import asked
from llmops_git.commands.cleaning import Clean
from llmops_git.commands.mining_rows import Mined
from llmops_git.configs.digest import digest_of
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.monitoring.reproduced import Again, Verdict, verdict_of

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Settings
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.values import Config, Evaluation, ScorerSettings
    from llmops_git.evals.run import Job, Outcome
    from llmops_git.traces.span import Span

REPEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The config that a failure is asked of, and what it is called in a sentence."""

    config: Config
    name: str


class Servers:
    """Finds what is to be asked: the release that runs in production, else the one that served, else the config here."""

    def __init__(self, project: Project, policy: Policy, environment: str, here: Callable[[str], Config]) -> None:
        from llmops_git.releases.environments import running_configs
        from llmops_git.releases.registry import read_registry

        self._project = project
        self._here = here
        self._environment = environment
        self._running = running_configs(project.git, environment, remote=policy.remote)
        self._registry = read_registry(project.git, remote=policy.remote)
        self._found: dict[tuple[str, str], Serving] = {}

    def of(self, mined: Mined) -> Serving:
        """What is asked for a failure."""
        key = (mined.config, "" if mined.config in self._running else mined.failure.live.release)
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def _find(self, config: str, release: str) -> Serving:
        from llmops_git.commands.neighbours import config_at

        running, tagged = self._running.get(config), self._registry.find(release)
        try:
            if running is not None:
                found = config_at(self._project, running.commit, config, running.digest)
                return Serving(config=found, name=f"{running.release}, which runs in {self._environment}")
            if tagged is not None and tagged.tag.config == config:
                found = config_at(self._project, tagged.commit, config, tagged.digest)
                return Serving(config=found, name=f"{tagged.name}, which served it")
        except NotMeasured:
            raise
        except LlmopsError:
            pass  # its files cannot be read as a config any more
        return Serving(config=self._here(config), name="the config as it is here")


def asked_again(
    mined: Sequence[Mined],
    servers: Servers,
    *,
    evaluations: Callable[[str], Evaluation],
    policy: Policy,
    settings: Settings,
    repeats: int,
    clean: Clean,
) -> tuple[Mined, ...]:
    """The failures with their verdicts, those that come back first. What cannot be asked is said, and is no error."""
    if not mined:
        return ()
    jobs: dict[str, Job] = {}
    serving = [servers.of(one) for one in mined]
    for one, served in zip(mined, serving, strict=True):
        _add(jobs, one, served, evaluations(one.config), repeats, policy.allowed_scorers)
    try:
        samples = _samples(asked(list(jobs.values()), policy, settings), clean)
    except LlmopsError as error:
        failed = Verdict(state="cannot tell", why=f"it could not be asked again: {error.message.splitlines()[0]}")
        return tuple(replace(one, verdict=failed, again=served.name) for one, served in zip(mined, serving, strict=True))
    judged = (
        replace(
            one,
            verdict=verdict_of(one.failure.reasons, one.captured.observed, samples.get((served.config.digest, one.id), ())),
            again=served.name,
        )
        for one, served in zip(mined, serving, strict=True)
    )
    order = ("reproduced", "cannot tell", "not reproduced")
    return tuple(sorted(judged, key=lambda one: order.index(one.verdict.state)))


def _add(
    jobs: dict[str, Job], mined: Mined, served: Serving, evaluation: Evaluation, repeats: int, allowed: Collection[str]
) -> None:
    """One job for each config that is asked, with the scorers whose low scores are to be seen again."""
    from llmops_git.evals.run import Job

    known = jobs.get(served.config.digest)
    cases = (*known.evaluation.cases, mined.case) if known else (mined.case,)
    wanted = {reason.name for reason in mined.failure.reasons if reason.kind == "score"}
    wanted |= {scorer.name for scorer in known.evaluation.scorers} if known else set()
    asked = replace(
        evaluation,
        cases=cases,
        unlabelled=(),
        scorers=tuple(_with_parts(evaluation.scorers, wanted, allowed)),
        digest=digest_of([case.id for case in cases]),
    )
    jobs[served.config.digest] = Job(config=served.config, evaluation=asked, repeats=repeats)


def _with_parts(scorers: Sequence[ScorerSettings], wanted: set[str], allowed: Collection[str]) -> Iterator[ScorerSettings]:
    """The scorers named that can be built here, and those that they combine."""
    from llmops_git.scorers.table import try_scorers

    parts = {part for scorer in scorers if scorer.name in wanted for part in scorer.options.get("of", ())}
    chosen = [scorer for scorer in scorers if scorer.name in wanted | parts]
    faults = try_scorers(chosen, allowed)[1]
    yield from (scorer for scorer in chosen if scorer.name not in faults)


def _samples(outcome: Outcome, clean: Clean) -> dict[tuple[str, str], list[Again]]:
    """What was answered, by (config digest, case), with texts cleaned as those of the cases are."""
    hits = _hits(outcome.spans)
    found: dict[tuple[str, str], list[Again]] = {}
    for run in outcome.runs:
        for sample in run.samples:
            again = Again(
                output=clean(sample.output),
                error=sample.error,
                cost_usd=sample.cost_usd,
                scores={
                    name: score.value
                    for name, score in sample.scores.items()
                    if score.state == "measured" and score.value is not None
                },
                hits=hits.get(sample.trace_id, frozenset()),
            )
            found.setdefault((run.config_digest, sample.case), []).append(again)
    return found


def _hits(spans: Iterable[Span]) -> dict[str, frozenset[str]]:
    """The rules (pack/rule) that did not just let a sample pass, by its trace."""
    from llmops_git.traces import attributes as names

    found: dict[str, set[str]] = {}
    for span in spans:
        given = span.attributes
        if given.get(names.OPERATION) == names.APPLY_GUARDRAIL and given.get(names.GUARD_RESULT, "pass") != "pass":
            found.setdefault(span.trace_id, set()).add(f"{given.get(names.GUARD_PACK, '')}/{given.get(names.GUARD_RULE, '')}")
    return {trace: frozenset(rules) for trace, rules in found.items()}
