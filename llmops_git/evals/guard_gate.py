"""Guardrail packs under the gate: a pack's results on its suite as scores, so that two versions are compared, and floors
held, by the very rules that hold for configs. Pure.

Each attack family is a pass/fail scorer (caught or not; higher is better), all attacks together are one where there are
several, and so are the benign texts (false alarms; lower is better). A text that a pack failed to decide is a sample that was
not measured: never caught, never passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from llmops_git.configs.digest import digest_of
from llmops_git.configs.pack_file import PackMeasure
from llmops_git.configs.policy import GateSettings
from llmops_git.configs.values import Case, Evaluation, Repeats, ScorerGate, ScorerSettings
from llmops_git.evals.compare import compare
from llmops_git.evals.gate import settle
from llmops_git.evals.stats import clopper_pearson
from llmops_git.evals.values import Against, Comparison, Instrument, Run, SampleResult, ScorerComparison, ScorerDeclaration
from llmops_git.guardrails.measure import Count, TextResult
from llmops_git.guardrails.suite_rows import SuiteText
from llmops_git.guardrails.suites import Suite
from llmops_git.scorers.base import Score

ALL_ATTACKS, FALSE_ALARMS = "all attacks", "false alarms"  # no family can have these names: they hold a blank
ANY_FAMILY = "*"
UNDECIDED = "undecided"
PACKS = "guardrails/"  # stands before a pack's name where the name of a config could stand; no config's has a slash
_MOST_FLIPPED = 200

Bound = Literal["", "met", "open", "broken"]  # of a floor or ceiling; "": there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A pack, by name and digest, measured on a suite."""

    pack: str
    digest: str
    results: tuple[TextResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of texts with its exact interval, each side at 1 - alpha; None where nothing was decided. `bound` is the floor
    (of attacks) or the ceiling (of benign texts) it is held to, `state` whether it is met, as proven by the interval."""

    count: Count
    rate: float | None
    low: float | None
    high: float | None
    bound: float | None = None
    state: Bound = ""


def rate_of(count: Count, gate: PackMeasure, *, alpha: float) -> Rate:
    """One count as a rate, held to the pack's own gate."""
    bound = floor_of(gate, count.name) if count.attack else gate.false_alarms
    if not count.decided:
        return Rate(count=count, rate=None, low=None, high=None, bound=bound, state="" if bound is None else "open")
    low, high = clopper_pearson(count.hits, count.decided, conf=1 - 2 * alpha)
    state: Bound = "" if bound is None else "open"
    if bound is not None:
        worse, better = (high < bound, low >= bound) if count.attack else (low > bound, high <= bound)
        state = "broken" if worse else "met" if better else "open"
    return Rate(count=count, rate=count.hits / count.decided, low=low, high=high, bound=bound, state=state)


def floor_of(gate: PackMeasure, family: str) -> float | None:
    """The least catch rate that a family is held to."""
    return gate.recall.get(family, gate.recall.get(ANY_FAMILY))


def compare_packs(
    base: Measured | None,
    head: Measured,
    *,
    suite: Suite,
    gate: PackMeasure,
    settings: GateSettings,
    against: Against,
    base_name: str,
    instrument: Instrument,
) -> Comparison:
    """Two versions of a pack, measured on the same suite, text by text; without a base only floors and ceilings hold.

    Each family is compared on its own texts, so that its coverage is its own. Families are often too small to show that
    nothing changed: one that lost no text does not gate then, since all attacks together do, and still shows what it is. The
    verdict is the one that this comparison bears by itself; `gate.decide` corrects for all of them together.
    """
    parts = []
    for name, texts in _scored(suite):
        evaluation = _evaluation(name, texts, gate)
        after = _run(head, name, texts, evaluation)
        same = base is not None and base.digest == head.digest
        before = after if same else _run(base, name, texts, evaluation) if base else None
        parts.append(
            compare(
                before, after, evaluation=evaluation, settings=settings, against=against, base_name=base_name,
                instrument=instrument,
            )
        )  # fmt: skip
    whole = _together(parts, base, head, suite)
    return settle(replace(whole, scorers=tuple(_gating(whole.scorers))), settings=settings)


def _gating(scorers: Sequence[ScorerComparison]) -> Iterator[ScorerComparison]:
    pooled = any(scorer.scorer == ALL_ATTACKS for scorer in scorers)
    for scorer in scorers:
        family = scorer.scorer not in {ALL_ATTACKS, FALSE_ALARMS}
        kept = not (pooled and family and scorer.verdict == "inconclusive" and not scorer.worse)
        yield scorer if kept else replace(scorer, gating=False)


def _scored(suite: Suite) -> list[tuple[str, list[SuiteText]]]:
    """(scorer, its texts): the attack families by name, all attacks where there are several, the benign texts."""
    attacks: dict[str, list[SuiteText]] = {}
    for text in suite.texts:
        if text.attack:
            attacks.setdefault(text.family, []).append(text)
    found = [(family, attacks[family]) for family in sorted(attacks)]
    if len(found) > 1:
        found.append((ALL_ATTACKS, [text for text in suite.texts if text.attack]))
    benign = [text for text in suite.texts if not text.attack]
    return [*found, (FALSE_ALARMS, benign)] if benign else found


def _evaluation(name: str, texts: Sequence[SuiteText], gate: PackMeasure) -> Evaluation:
    floors = {FALSE_ALARMS: gate.false_alarms, ALL_ATTACKS: None}
    floor = floors[name] if name in floors else floor_of(gate, name)
    resolved = {"scorer": name, "texts": [text.id for text in texts], "floor": floor, "margin": gate.margin}
    return Evaluation(
        cases=tuple(_case(text) for text in texts),
        scorers=(ScorerSettings(name=name, use="guardrail"),),
        repeats=Repeats(),
        gates={name: ScorerGate(margin=gate.margin, floor=floor)},
        budgets={},
        cluster_by="",
        resolved=resolved,
        digest=digest_of(resolved),
    )


def _case(text: SuiteText) -> Case:
    return Case(id=text.id, inputs={"text": text.text}, expected="caught" if text.attack else "passed")


def _run(measured: Measured, name: str, texts: Sequence[SuiteText], evaluation: Evaluation) -> Run:
    results = {result.text.id: result for result in measured.results}
    declaration = ScorerDeclaration(
        name=name, use="guardrail", direction="lower" if name == FALSE_ALARMS else "higher", scale="binary", step=1.0
    )
    return Run(
        config=PACKS + measured.pack,
        config_digest=measured.digest,
        eval_digest=evaluation.digest,
        provider="",
        model="",
        engine="",
        started_at="",
        repeats=1,
        cases=tuple(text.id for text in texts),
        must_pass=(),
        clusters={},
        scorers=(declaration,),
        samples=tuple(_sample(results[text.id], name) for text in texts),
    )


def _sample(result: TextResult, scorer: str) -> SampleResult:
    if result.state == "undecided":
        why = "; ".join(f"{rule}: {reason}" for rule, reason in result.undecided)
        score = Score(state="not_measured", label=UNDECIDED, explanation=why)
    else:
        score = Score(value=float(result.state == "caught"), label=result.state)
    return SampleResult(case=result.text.id, repeat=0, output=said(result), scores={scorer: score})


def said(result: TextResult) -> str:
    """What a pack did with a text, in words."""
    parts = [f"found by {', '.join(result.hits)}" if result.hits else "nothing found"]
    if result.state == "passed" and result.hits:
        parts.append("in shadow or not what the text is about: passed")
    parts += [f"{rule} failed to decide: {reason}" for rule, reason in result.undecided]
    return "; ".join(parts)


def _undecided(measured: Measured | None) -> set[str]:
    return {result.text.id for result in measured.results if result.state == "undecided"} if measured else set()


def _together(parts: Sequence[Comparison], base: Measured | None, head: Measured, suite: Suite) -> Comparison:
    """One comparison of all families; what is counted by text, all attacks do not count again."""
    first = parts[0]
    scorers = tuple(scorer for part in parts for scorer in part.scorers)
    digests = [part.eval_digest for part in parts]
    parts = [part for part in parts if not any(scorer.scorer == ALL_ATTACKS for scorer in part.scorers)]
    errors: dict[str, int] = {}
    for part in parts:
        for name, number in part.errors.items():
            errors[name] = errors.get(name, 0) + number
    flipped = sorted((case for part in parts for case in part.flipped), key=lambda case: case.better)
    return replace(
        first,
        base_digest=base.digest if base else "",
        head_digest=head.digest,
        eval_digest=digest_of([suite.digest, *digests]),
        scorers=scorers,
        flipped=tuple(flipped[:_MOST_FLIPPED]),
        planned=sum(part.planned for part in parts),
        measured=len(suite.texts) - len(_undecided(base) | _undecided(head)),
        errors=errors,
        hard_failures=tuple(failure for part in parts for failure in part.hard_failures),
        unmeasured=tuple(dict.fromkeys(reason for part in parts for reason in part.unmeasured)),
        cases=len(suite.texts),
    )
