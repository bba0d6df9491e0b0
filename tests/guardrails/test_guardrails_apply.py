"""Applying packs: the order of rules, what each action does, what an error is."""

from __future__ import annotations

from typing import Any

import pytest
from guard_material import Clock, one_rule, verdict

from llmops_git.errors import NotMeasured
from llmops_git.guardrails.apply import apply_packs, apply_to_inputs
from llmops_git.guardrails.base import Finding
from llmops_git.guardrails.packs import Pack, Rule, faults_of, pack_of, packs_of
from llmops_git.guardrails.redaction import mark, redact

EMAIL = {"name": "email", "use": "pii", "kinds": ["EMAIL"], "action": "redact"}
WORD = {"name": "word", "use": "banned", "texts": ["bluebird"]}


class Jury:
    """A judge that always says the same, and remembers what it was asked about."""

    def __init__(self, reply: str | Exception = "bad") -> None:
        self.reply = reply
        self.asked: list[str] = []

    def generate(self, judge: Any, text: str) -> str:  # noqa: ARG002
        self.asked.append(text)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


JUDGE = {
    "name": "judge", "use": "judge", "judge": {"messages": [{"role": "user", "template": "?"}]}, "scale": ["bad", "good"],
    "labels": ["bad"],
}  # fmt: skip


def pack(*rules: dict[str, Any], name: str = "house", message: str = "No.") -> Pack:
    return pack_of({"name": name, "message": message, "rules": list(rules)}, "input")


def outcomes(found: Any) -> list[tuple[str, str]]:
    return [(result.rule, result.outcome) for result in found.results]


def test_all_rules_are_applied_in_order_and_the_first_blocking_pack_speaks() -> None:
    found = verdict("bluebird, ann@example.com", pack(WORD, EMAIL), pack(WORD, name="other", message="Never."))
    assert (False, "No.") == (found.allowed, found.text)
    assert [("word", "block"), ("email", "redact"), ("word", "block")] == outcomes(found)


def test_later_rules_and_judges_see_the_redacted_text() -> None:
    jury = Jury("good")
    found = verdict("ann@example.com", pack(JUDGE, EMAIL, {**EMAIL, "name": "again", "action": "block"}), session=jury)
    assert ("[EMAIL]", [("email", "redact"), ("again", "pass"), ("judge", "pass")]) == (found.text, outcomes(found))
    assert ["[EMAIL]"] == jury.asked


def test_a_judge_is_not_asked_about_what_is_blocked_already_or_empty() -> None:
    jury = Jury()
    assert [("word", "block")] == outcomes(verdict("bluebird", pack(JUDGE, WORD), session=jury))
    assert [("judge", "pass")] == outcomes(verdict("  \n", pack(JUDGE), session=jury))
    assert [] == jury.asked
    assert [("judge", "block")] == outcomes(verdict("hi", pack(JUDGE), session=jury))


@pytest.mark.parametrize("reply", ["neither", "bad or good", '{"label": "worse"}', NotMeasured("it is away"), ValueError("x")])
def test_a_judge_without_a_clear_answer_has_not_decided(reply: str | Exception) -> None:
    (result,) = verdict("hi", pack(JUDGE), session=Jury(reply)).results
    assert ("error", True) == (result.outcome, bool(result.reason))


@pytest.mark.parametrize(("action", "text"), [("flag", "bluebird"), ("shadow", "bluebird"), ("redact", "[WORD]")])
def test_what_does_not_block_lets_the_text_pass(action: str, text: str) -> None:
    found = verdict("bluebird", pack({**WORD, "action": action}))
    assert (True, text, [("word", action)]) == (found.allowed, found.text, outcomes(found))


@pytest.mark.parametrize(("on_error", "allowed", "text"), [("pass", True, "hi"), ("block", False, "No.")])
def test_a_rule_that_cannot_decide_is_an_error_and_blocks_where_it_says_so(on_error: str, allowed: bool, text: str) -> None:
    broken = {"name": "broken", "use": "regex", "pattern": "(", "on_error": on_error}
    packs = pack(broken)
    found = verdict("hi", packs)
    assert (allowed, text, [("broken", "error")]) == (found.allowed, found.text, outcomes(found))
    assert "does not compile" in found.results[0].reason
    (fault,) = faults_of([packs])
    assert "guardrail `house`, rule `broken`" in fault.message


def test_a_check_that_breaks_is_an_error() -> None:
    class Broken:
        def find(self, text: str, session: Any) -> Any:  # noqa: ARG002
            raise KeyError(text)

    rule = Rule(name="r", use="acme.x", action="block", check=Broken())
    found = apply_packs([Pack(name="p", version="v", message="m", rules=(rule,))], "input", "hi", clock_ns=Clock())
    assert (True, "error", "the check failed: KeyError: 'hi'") == (
        found.allowed,
        found.results[0].outcome,
        found.results[0].reason,
    )


def test_rules_count_on_their_sides_only_and_times_are_the_clocks() -> None:
    resolved = {"guardrails": {"output": [{"name": "p", "rules": [{**WORD, "sides": ["input"]}, EMAIL]}]}}
    (packs,) = packs_of(resolved, "output")
    assert (["email"], ()) == ([rule.name for rule in packs.rules], packs_of(resolved, "input"))
    found = apply_packs([packs], "output", "x", clock_ns=Clock())
    assert [(1, 2, "output")] == [(result.start_ns, result.end_ns, result.side) for result in found.results]
    assert packs.version.startswith("sha256:")


def test_every_string_of_the_inputs_is_looked_at_and_nothing_else_changes() -> None:
    inputs = {"a": ["x ann@example.com", {"b": "bob@example.com", "n": 4111111111111111}], "c": None, "d@example.com": True}
    found = apply_to_inputs([pack(EMAIL)], inputs, clock_ns=Clock())
    assert {"a": ["x [EMAIL]", {"b": "[EMAIL]", "n": 4111111111111111}], "c": None, "d@example.com": True} == found.inputs
    assert ["redact"] == [result.outcome for result in found.results]
    assert "bob@example.com" == inputs["a"][1]["b"]  # type: ignore[index]
    blocked = apply_to_inputs([pack(WORD)], {"a": {"b": ["the bluebird"]}}, clock_ns=Clock())
    assert (False, {}, "No.") == (blocked.allowed, blocked.inputs, blocked.message)
    same = {"a": "fine"}
    assert apply_to_inputs([pack(WORD, EMAIL)], same, clock_ns=Clock()).inputs is same


def test_inputs_without_an_end_are_an_error_of_every_rule() -> None:
    endless: dict[str, Any] = {"a": "x"}
    endless["self"] = endless
    found = apply_to_inputs([pack(WORD, {**EMAIL, "on_error": "block"})], endless, clock_ns=Clock())
    assert (False, ["error", "error"]) == (found.allowed, [result.outcome for result in found.results])
    assert apply_to_inputs([pack(WORD)], endless, clock_ns=Clock()).allowed


def test_overlapping_findings_become_one_mark_and_a_value_is_redacted_wherever_it_stands() -> None:
    text = "abcdef abcdefgh"
    assert "[FIRST] [FIRST]gh" == redact(text, [Finding(label="first", start=0, end=4), Finding(label="b", start=2, end=6)])
    assert "[WHOLE]" == redact(text, [Finding(label="WHOLE"), Finding(label="x", start=0, end=1)])
    assert text == redact(text, [])
    assert ("[A_B]", "[REDACTED]") == (mark("a] b["), mark("]"))


def test_a_pack_is_another_version_with_its_name_message_order_and_options() -> None:
    versions = {
        pack(WORD, EMAIL).version,
        pack(EMAIL, WORD).version,
        pack(WORD, EMAIL, name="other").version,
        pack(WORD, EMAIL, message="Other.").version,
        pack(WORD, {**EMAIL, "kinds": ["PHONE"]}).version,
    }
    assert 5 == len(versions)
    assert one_rule("banned", texts=["x"]).version == one_rule("banned", texts=["x"]).version
