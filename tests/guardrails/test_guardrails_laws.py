"""What holds for every text: nothing raises, what passes is untouched, what is redacted is gone, and no text costs more than its
time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from guard_material import Clock, one_rule, verdict
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmops_git.guardrails.apply import apply_to_inputs
from llmops_git.guardrails.folding import fold
from llmops_git.guardrails.pii_kinds import KINDS

LOCAL: dict[str, dict[str, Any]] = {
    "regex": {"pattern": r"\d+|x\w"},
    "banned": {"texts": ["foo", "äh", "é", "ss", "한"], "whole_words": False},
    "pii": {},
    "secrets": {},
    "injection": {},
    "json_schema": {"schema": {"type": "object", "patternProperties": {"^a": {"type": "string", "pattern": "(a+)+$"}}}},
    "length": {"max": 5},
}
ANY_TEXT = st.text() | st.text(alphabet="a1@.:-/ \u200b\u0301ßİ한ﬁ½<>|[]{}+\n", max_size=300)
VALUES = st.sampled_from(
    ["ann@example.com", "+49 30 1234567", "4111 1111 1111 1111", "DE89370400440532013000", "123-45-6789", "10.0.0.1",
     "AKIAIOSFODNN7EXAMPLE", "foo", "FOO", "x1"]
)  # fmt: skip


@pytest.mark.parametrize("use", LOCAL)
@settings(max_examples=60, deadline=None)
@given(text=ANY_TEXT)
@example(text="\ud800 \udfff")
@example(text="")
def test_no_text_makes_a_rule_raise_and_what_passes_is_untouched(use: str, text: str) -> None:
    for action in ("block", "redact", "flag", "shadow"):
        found = verdict(text, one_rule(use, action=action, **LOCAL[use]))
        (result,) = found.results
        assert all(0 <= finding.start <= finding.end <= len(text) for finding in result.findings)
        if result.outcome != action or action in ("flag", "shadow"):
            assert (True, text) == (found.allowed, found.text)
        assert (result.outcome == "block") == (not found.allowed)


@pytest.mark.parametrize("use", ["pii", "secrets", "banned", "regex"])
@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(VALUES | st.text(alphabet="ab1 .,@", max_size=6), max_size=8), between=st.sampled_from([" ", "", ", ", "\n"])
)
def test_a_redacted_text_holds_none_of_what_was_found(use: str, parts: list[str], between: str) -> None:
    text = between.join(parts)
    found = verdict(text, one_rule(use, action="redact", label="MARK", **LOCAL[use]))
    (result,) = found.results
    values = {text[finding.start : finding.end] for finding in result.findings}
    assert not [value for value in values if len(value) >= 4 and value in found.text]
    if values:
        assert found.text != text


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.integers() | ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_inputs_keep_their_shape(value: Any) -> None:
    def shape(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: shape(inner) for key, inner in item.items()}
        return [shape(inner) for inner in item] if isinstance(item, list) else type(item)

    found = apply_to_inputs([one_rule("pii", action="redact")], {"a": value}, clock_ns=Clock())
    assert shape({"a": value}) == shape(found.inputs)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="aAß\u0301\u200b \u00adéＡ한\u1112\u1161\u11abﬁ½\n\u0958", max_size=700))
def test_a_place_in_a_folded_text_is_a_place_in_the_text(text: str) -> None:
    folded = fold(text)
    for place in range(0, len(folded.text), 7):
        start, end = folded.span(place, place + 1)
        assert 0 <= start < end <= len(text)
    assert fold(folded.text).text.strip() == folded.text.strip() or len(text) > 200


HOSTILE = {
    "one letter": "a" * 1_000_000,
    "digits": "1 " * 500_000,
    "cards": "1111 " * 200_000,
    "addresses": "a@" * 500_000,
    "many addresses": "a@b.co " * 140_000,
    "accounts": "DE89 " * 200_000,
    "keys": "sk-" * 333_333,
    "private keys": "-----BEGIN PRIVATE KEY-----" * 37_000,
    "orders": "ignore all " * 90_000,
    "tags": "[" * 1_000_000,
    "images": "![](http://" * 90_000,
    "escapes": "\\x41" * 250_000,
    "base64": "QUJD" * 250_000,
    "marks": "a" + "\u0301" * 999_999,
    "invisible": " \u200b" * 500_000,
    "banned": "project bluebird " * 58_000,
    "json": "[" * 1_000_000,
    "too long": "a" * 1_000_001,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_of_a_megabyte_costs_no_more_than_its_time(name: str) -> None:
    seconds = 0.25
    rules = {**LOCAL, "banned": {"texts": ["project bluebird", "a"]}, "regex": {"pattern": "(a+)+$"}}
    for use in ("regex", "banned", "pii", "secrets", "injection", "json_schema", "length"):
        pack = one_rule(use, timeout=seconds, action="redact", **rules[use])
        started = time.thread_time()
        found = verdict(HOSTILE[name], pack)
        spent = time.thread_time() - started
        folding = 1.5 if use in ("banned", "injection") else 0.0  # making texts comparable, once
        assert spent < seconds * 2 + 1.0 + folding, (use, spent)
        (result,) = found.results
        assert (result.outcome == "error") == bool(result.reason)


def test_more_findings_than_can_be_told_leave_nothing_behind() -> None:
    text = "x " + "ann@example.com " * 3_000
    found = verdict(text, one_rule("pii", kinds=["EMAIL"], action="redact"))
    assert ("redact", 1000) == (found.results[0].outcome, len(found.results[0].findings))
    assert "@" not in found.text
    assert set(KINDS) >= {finding.label for finding in found.results[0].findings}
