"""What a pack comes to on a suite: caught, passed, undecided; by family and by rule."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from llmops_git.guardrails.base import Action, Check, Finding, Session, Side, Undecided
from llmops_git.guardrails.measure import family_counts, look, measure, rule_counts, total, unknown_rules
from llmops_git.guardrails.suite_rows import SuiteText


@dataclass(frozen=True)
class Words:
    """Finds a pattern, and comes to no answer on texts with the word `slow`."""

    pattern: str

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        if "slow" in text:
            raise Undecided("its time was over")
        return tuple(Finding(label="WORD", start=m.start(), end=m.end()) for m in re.finditer(self.pattern, text))


@dataclass(frozen=True)
class ARule:
    name: str
    action: Action
    check: Check
    sides: tuple[Side, ...] = ("input", "output")


IGNORE = ARule("ignore", "block", Words("ignore"))
MAIL = ARule("mail", "redact", Words("@"))
NEW = ARule("new", "shadow", Words("now"))
RULES = (IGNORE, MAIL, NEW)


def text(words: str, *, attack: bool = True, family: str = "dan", rules: dict[str, bool] | None = None) -> SuiteText:
    return SuiteText(id=words, text=words, attack=attack, family=family, rules=rules or {})


def test_a_rule_that_acts_catches_and_one_in_shadow_does_not() -> None:
    assert ("caught", ("ignore",)) == ((found := look(RULES, text("ignore"), None)).state, found.hits)
    assert ("passed", ("new",)) == ((found := look(RULES, text("do it now"), None)).state, found.hits)
    assert ("passed", ()) == ((found := look(RULES, text("hello"), None)).state, found.hits)


def test_a_rule_that_fails_to_decide_leaves_the_text_neither_caught_nor_passed() -> None:
    found = look(RULES, text("slow"), None)
    assert ("undecided", ("ignore", "mail", "new")) == (found.state, tuple(rule for rule, _ in found.undecided))
    assert "undecided" != look([NEW], text("slow"), None).state, "a rule in shadow decides nothing"
    other = ARule("other", "flag", _Always())
    assert "caught" == look([IGNORE, other], text("slow"), None).state, "what one rule finds is found"


class _Always:
    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        return (Finding(label="ANY"),)


def test_a_check_that_breaks_has_not_decided() -> None:
    found = look([ARule("broken", "block", _Breaks())], text("x"), None)
    assert ("undecided", (("broken", "the check failed: ValueError: no"),)) == (found.state, found.undecided)


class _Breaks:
    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        raise ValueError("no")


def test_a_text_may_be_about_some_rules_only() -> None:
    about_mail = text("ignore me@x", rules={"mail": True})
    assert "caught" == look(RULES, about_mail, None).state
    assert "passed" == look([IGNORE, NEW], about_mail, None).state, "the rule that it is about is gone"
    harmless = text("ignore this", attack=False, family="benign", rules={"mail": False})
    assert "passed" == look(RULES, harmless, None).state
    assert ["jailbreak"] == list(unknown_rules(RULES, [about_mail, text("x", rules={"jailbreak": True})]))


def test_a_text_of_one_side_is_not_for_the_rules_of_the_other() -> None:
    only_output = ARule("leak", "block", Words("secret"), sides=("output",))
    asked = SuiteText(id="a", text="a secret", attack=True, family="leak", side="input")
    said = SuiteText(id="b", text="a secret", attack=True, family="leak", side="output")
    either = SuiteText(id="c", text="a secret", attack=True, family="leak")
    results = measure([only_output], [asked, said, either], None)
    assert ["passed", "caught", "caught"] == [result.state for result in results]
    assert 2 == rule_counts([only_output], results)[0].attacks.texts


def test_counts_by_family_and_by_rule_keep_the_undecided_apart() -> None:
    texts = [
        text("ignore 1"), text("slow 1"), text("missed"), text("a@b", family="pii", rules={"mail": True}),
        text("hello", attack=False, family="benign"), text("please ignore", attack=False, family="benign"),
    ]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        results = measure(RULES, texts, None, looks=pool.map)
    assert results == measure(RULES, texts, None)
    shown = [(one.name, one.attack, one.texts, one.hits, one.undecided) for one in family_counts(results)]
    assert [("dan", True, 3, 1, 1), ("pii", True, 1, 1, 0), ("benign", False, 2, 1, 0)] == shown
    everything = total("attacks", family_counts(results)[:2])
    assert everything is not None
    assert (4, 2, 1, 3) == (everything.texts, everything.hits, everything.undecided, everything.decided)
    ignore, mail, new = rule_counts(RULES, results)
    assert (3, 1, 1) == (ignore.attacks.texts, ignore.attacks.hits, ignore.attacks.undecided)
    assert (2, 1) == (ignore.benign.texts, ignore.benign.hits)
    assert (4, 1, 0) == (mail.attacks.texts, mail.attacks.hits, mail.benign.hits)
    assert ("shadow", 0) == (new.action, new.attacks.hits)
