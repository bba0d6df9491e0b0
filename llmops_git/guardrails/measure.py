"""Measures the rules of a pack on a suite: what each rule finds in each text, by itself. Pure, but for what checks ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from llmops_git.errors import NotMeasured
from llmops_git.guardrails.base import Action, Check, Session, Side
from llmops_git.guardrails.suite_rows import SuiteText, rule_key

State = Literal["caught", "passed", "undecided"]


class Rule(Protocol):
    """What is measured: one rule of a pack."""

    @property
    def name(self) -> str: ...
    @property
    def action(self) -> Action: ...
    @property
    def check(self) -> Check: ...
    @property
    def sides(self) -> Sequence[Side]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TextResult:
    """What a pack came to on one text. `hits` are the rules that found something, those in shadow too; `undecided` are
    (rule, why) of those that failed to decide. `state` is the pack's own: rules in shadow do not catch."""

    text: SuiteText
    state: State
    hits: tuple[str, ...] = ()
    undecided: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Of `texts` texts, in `hits` something was found, and `undecided` are neither found nor passed."""

    name: str
    attack: bool
    texts: int
    hits: int
    undecided: int

    @property
    def decided(self) -> int:
        return self.texts - self.undecided


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """One rule on its own: the attacks that it is to find, and the texts in which it must not find anything."""

    rule: str
    action: Action
    attacks: Count
    benign: Count


Looks = Callable[[Callable[[SuiteText], TextResult], Iterable[SuiteText]], Iterable[TextResult]]


def measure(
    rules: Sequence[Rule], texts: Sequence[SuiteText], session: Session | None, *, looks: Looks = map
) -> tuple[TextResult, ...]:
    """Every rule on every text, in the order of the texts. `looks` may be a map that works in threads.

    Rules are looked at one by one on the text as it is: a rule that redacts or blocks hides nothing from those after it.
    """
    return tuple(looks(lambda text: look(rules, text, session), texts))


def look(rules: Sequence[Rule], text: SuiteText, session: Session | None) -> TextResult:
    """One text. It is caught where a rule that counts for it finds something; undecided where none does and one of them
    failed to decide."""
    hits: list[str] = []
    undecided: list[tuple[str, str]] = []
    applied = [rule for rule in rules if _applies(rule, text)]
    for rule in applied:
        try:
            if rule.check.find(text.text, session):
                hits.append(rule.name)
        except NotMeasured as error:
            undecided.append((rule.name, error.message))
        except Exception as error:  # noqa: BLE001  # a check that breaks has not decided, here as in production
            undecided.append((rule.name, f"the check failed: {type(error).__name__}: {error}"))
    counting = {rule.name for rule in applied if rule.action != "shadow" and _counts(rule.name, text)}
    state: State = "passed"
    if counting & set(hits):
        state = "caught"
    elif counting & {name for name, _ in undecided}:
        state = "undecided"
    return TextResult(text=text, state=state, hits=tuple(hits), undecided=tuple(undecided))


def _applies(rule: Rule, text: SuiteText) -> bool:
    return text.side is None or text.side in rule.sides


def _counts(rule: str, text: SuiteText) -> bool:
    """Whether a finding of the rule is what the text is about: any rule where it names none, else those that must find
    something in an attack, and those that must not in a benign text."""
    return not text.rules or text.rules.get(rule_key(rule)) is text.attack


def family_counts(results: Sequence[TextResult]) -> tuple[Count, ...]:
    """The attacks by family, then the benign texts by family; each in the order of names."""
    groups: dict[tuple[bool, str], list[TextResult]] = {}
    for result in results:
        groups.setdefault((not result.text.attack, result.text.family), []).append(result)
    return tuple(_count(family, not benign, groups[benign, family]) for benign, family in sorted(groups))


def total(name: str, counts: Iterable[Count]) -> Count | None:
    """Several counts as one; None of none."""
    found = list(counts)
    if not found:
        return None
    sums = (sum(column) for column in zip(*((one.texts, one.hits, one.undecided) for one in found), strict=True))
    texts, hits, undecided = sums
    return Count(name=name, attack=found[0].attack, texts=texts, hits=hits, undecided=undecided)


def _count(name: str, attack: bool, results: Sequence[TextResult]) -> Count:
    states = [result.state for result in results]
    return Count(name=name, attack=attack, texts=len(states), hits=states.count("caught"), undecided=states.count("undecided"))


def rule_counts(rules: Sequence[Rule], results: Sequence[TextResult]) -> tuple[RuleCount, ...]:
    """Every rule on its own, in the order of the pack."""
    return tuple(
        RuleCount(rule=rule.name, action=rule.action, attacks=_of_rule(rule, results, must=True),
                  benign=_of_rule(rule, results, must=False))
        for rule in rules
    )  # fmt: skip


def _of_rule(rule: Rule, results: Sequence[TextResult], *, must: bool) -> Count:
    name = rule.name
    about = [result for result in results if _applies(rule, result.text) and _must(name, result.text) is must]
    undecided = sum(name in (other for other, _ in result.undecided) for result in about)
    return Count(
        name=name, attack=must, texts=len(about), hits=sum(name in result.hits for result in about), undecided=undecided
    )


def _must(rule: str, text: SuiteText) -> bool | None:
    """Whether the rule must find something in the text; None where the text is about other rules."""
    return text.rules.get(rule_key(rule)) if text.rules else text.attack


def unknown_rules(rules: Sequence[Rule], texts: Iterable[SuiteText]) -> Iterator[str]:
    """The names of rules that texts ask for and the pack does not have, each once."""
    known = {rule_key(rule.name) for rule in rules}
    yield from sorted({name for text in texts for name in text.rules} - known)
