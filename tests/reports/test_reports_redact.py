"""No secret survives, in any form in which text travels, in any format."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered import hostile_report
from report_samples import regressed
from test_reports_real import EVALUATED

from llmops_git.evals.evidence import run_document
from llmops_git.evals.values import Run
from llmops_git.reports.html import render_html
from llmops_git.reports.job_summary import render_summary
from llmops_git.reports.json_report import report_document
from llmops_git.reports.junit import render_junit
from llmops_git.reports.markdown import render_comment
from llmops_git.reports.redact import REDACTED, redacted
from llmops_git.reports.terminal import render_report

KEY = 'sk-proj/a+b="c d"\\\u00e9'
# what a generator could make of our own words is no secret
SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp")), min_size=4, max_size=40).map(
    lambda text: f"\u00a7k{text}9Z"
)


def forms(secret):
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps({"key": secret}))
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield re.sub("%[0-9A-F]{2}", lambda code: code.group().lower(), quote(secret, safe=""))
    yield html.escape(secret)
    yield repr(secret)
    for around in ("", "u:", "us:", "use:", "\u00e9"):
        whole = f"{around}{secret}{around}".encode()
        yield base64.b64encode(whole).decode()
        yield base64.urlsafe_b64encode(whole).decode().rstrip("=")


@given(SECRETS)
def test_every_form_of_a_secret_is_found(secret):
    for form in forms(secret):
        cleaned = redacted(f"before {form} after", [secret])
        assert REDACTED in cleaned
        assert secret not in cleaned
        assert form not in cleaned


@settings(max_examples=25)
@given(SECRETS, st.sampled_from([0, 1, 2, 3, 4, 5, 8, 10, 11]))
def test_no_secret_survives_in_any_format(secret, which):
    text = list(forms(secret))[which]
    made = hostile_report(f"the key is {text}, use it")
    runs = tuple(replace(run, samples=tuple(replace(sample, output=text) for sample in run.samples)) for run in RUNS)
    report = redacted(made, [secret])
    kept = redacted(runs, [secret])
    for rendered in (
        json.dumps(report_document(report)),
        json.dumps(report_document(report), ensure_ascii=False),
        json.dumps([run_document(run) for run in kept]),
        render_comment(report, key="default", run="1.1"),
        render_summary(report),
        render_report(report, color=False, width=4_000),
        render_junit(report, kept),
        render_html(report, kept),
    ):
        for form in {secret, text, json.dumps(secret)[1:-1], html.escape(secret), quote(secret, safe="")}:
            assert form not in rendered


RUNS: tuple[Run, ...] = EVALUATED["worse"].configs[0].runs


def test_what_holds_no_secret_is_unchanged():
    assert regressed() == redacted(regressed(), [KEY])
    assert regressed() == redacted(regressed(), [])
    assert RUNS == redacted(RUNS, ["nowhere to be found"])


@pytest.mark.parametrize("secret", ["", " ", "a", "yes", "12345"])
def test_a_short_secret_is_ignored(secret):
    assert "yes, a 12345" == redacted("yes, a 12345", [secret])


def test_words_of_ours_are_no_secrets():
    """Somebody keeps the name of an environment as a secret."""
    cleaned = redacted(regressed(), ["regressed", "merge base", "modified", "prompt", "parameters"])
    assert "regressed" == cleaned.verdict
    assert "merge base" == cleaned.configs[0].comparisons[0].against
    assert ("prompt", "parameters") == cleaned.configs[0].change.aspects
    assert "prompts/shared/tone.j2".replace("prompt", REDACTED) == cleaned.configs[0].change.because[0][0]


def test_the_longest_secret_goes_first():
    assert REDACTED == redacted("secret-and-more", ["secret", "secret-and-more"])


def test_each_line_of_a_secret_counts():
    key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA1x\nshort\n-----END KEY-----\n"
    assert f"{REDACTED} and short" == redacted("MIIEowIBAAKCAQEA1x and short", [key])
    assert REDACTED == redacted(key.strip(), [key])


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    name: str
    kind: Literal["abcdef"] = "abcdef"
    parts: tuple[object, ...] = ()


def test_it_goes_through_values_of_every_shape():
    value = Thing(name="abcdef", parts=({"abcdef": ["abcdef", 1, None, b"x abcdef", {"abcdef"}]}, Thing(name="abcdef!")))
    expected = Thing(
        name=REDACTED, parts=({REDACTED: [REDACTED, 1, None, b"x [redacted]", {REDACTED}]}, Thing(name=f"{REDACTED}!"))
    )
    assert expected == redacted(value, ["abcdef"])


def test_keys_that_become_equal_are_told_apart():
    assert {REDACTED: 1, f"{REDACTED} 2": 2} == redacted({"abcdef": 1, "ghijkl": 2}, ["abcdef", "ghijkl"])
