"""Stand-ins: what was redacted can be found again, and is nobody's."""

from __future__ import annotations

import pytest

from llmops_git.guardrails.pii_kinds import KINDS
from llmops_git.guardrails.redaction import mark, redact
from llmops_git.guardrails.secret_formats import FORMATS
from llmops_git.guardrails.settings import CheckSettings
from llmops_git.guardrails.stand_ins import STAND_INS, with_stand_ins
from llmops_git.guardrails.table import build_check

PII = build_check(CheckSettings(name="pii", use="pii"))


def test_every_kind_of_personal_data_has_one() -> None:
    assert set(STAND_INS) == set(KINDS)


@pytest.mark.parametrize("kind", STAND_INS)
def test_a_stand_in_is_found_as_what_it_stands_for(kind: str) -> None:
    text = f"here it is: {STAND_INS[kind]}, please"
    redacted = redact(text, PII.find(text, None))
    assert f"here it is: {mark(kind)}, please" == redacted
    assert text == with_stand_ins(redacted)


@pytest.mark.parametrize("label", [*FORMATS, "SECRET"])
def test_a_secret_has_none(label: str) -> None:
    assert with_stand_ins(f"the key is {mark(label)}") is None


def test_other_brackets_stay() -> None:
    assert "[1] see [TODO] and [a b]" == with_stand_ins("[1] see [TODO] and [a b]")
