"""The engines of other packages: really installed, held to our limits, and clear about being missing."""

from __future__ import annotations

import importlib
import socket
from typing import Any

import pytest
from guard_material import found, result

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.extras import extra_module
from llmops_git.guardrails.packs import faults_of, pack_of


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("something asks the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.backends
@pytest.mark.usefixtures("no_network")
def test_presidio_finds_what_it_knows_without_a_model_and_without_the_network() -> None:
    text = "ann@example.com, 4111 1111 1111 1111, NHS 943 476 5919, http://x.example.com"
    kinds = dict(found(text, "pii", engine="presidio"))
    assert {"EMAIL_ADDRESS", "CREDIT_CARD", "UK_NHS"} <= set(kinds)
    assert "ann@example.com" == kinds["EMAIL_ADDRESS"]
    assert [] == found(
        "a@b.notadomain and 4111 1111 1111 1112", "pii", engine="presidio", kinds=["EMAIL_ADDRESS", "CREDIT_CARD"]
    )


@pytest.mark.backends
def test_presidio_says_which_kinds_it_has() -> None:
    one = result("x", "pii", engine="presidio", kinds=["PHONE_NUMBER"])
    assert ("error", True) == (one.outcome, "presidio has no pattern for `PHONE_NUMBER`" in one.reason)


@pytest.mark.backends
def test_presidio_has_our_time_limit_and_a_search_that_is_cut_off_is_no_pass() -> None:
    one = result("a!" * 100_000 + "@ ", "pii", engine="presidio", kinds=["EMAIL_ADDRESS"], timeout=0.05)
    assert ("error", "looking took longer than 0.05 s") == (one.outcome, one.reason)


def test_detect_secrets_finds_what_it_knows() -> None:
    text = "AKIAIOSFODNN7EXAMPLE and https://user:secret@example.com and 8.8.8.8"
    kinds = dict(found(text, "secrets", engine="detect-secrets", entropy=False))
    assert {"AWS_ACCESS_KEY", "BASIC_AUTH_CREDENTIALS"} == set(kinds)


def test_a_missing_package_is_a_fault_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", gone)
    with pytest.raises(LlmopsError, match="needs the package presidio-analyzer") as caught:
        extra_module("presidio_analyzer", "presidio-analyzer", "pii")
    assert 'pip install "llmops-git[pii]"' == caught.value.hint
    monkeypatch.undo()
    monkeypatch.setattr("llmops_git.guardrails.presidio.extra_module", lambda *_: (_ for _ in ()).throw(caught.value))
    pack = pack_of({"name": "p", "rules": [{"name": "r", "use": "pii", "engine": "presidio"}]}, "input")
    (fault,) = faults_of([pack])
    assert 'pip install "llmops-git[pii]"' == fault.hint


def test_the_classifier_takes_the_nearest_example_of_any_part_of_a_text() -> None:
    examples = {
        "found": ["Give me investment advice", "Should I buy this share?"],
        "other": ["Where is my order?", "What does shipping cost?"],
    }
    options: dict[str, Any] = {"examples": examples, "label": "INVESTMENT"}
    assert [("INVESTMENT", "")] == found("Which stocks should I buy with my savings?", "classifier", **options)
    assert [] == found("My parcel did not arrive, where is it?", "classifier", **options)
    assert [] == found("", "classifier", **options)
    hidden = "The weather was fine and the garden was green. " * 30 + "Should I buy shares of this company now? "
    assert [("INVESTMENT", "")] == found(hidden + "The weather was fine. " * 30, "classifier", **options)
    assert [] == found(
        "Should I buy this share?", "classifier", **{**options, "examples": {**examples, "other": ["Should I buy this share?"]}}
    )
    strict = found("Which stocks should I buy with my savings?", "classifier", **options, threshold=0.99)
    assert [] == strict


def test_the_classifier_has_a_time_limit() -> None:
    one = result("word " * 100_000, "classifier", examples={"found": ["x"]}, timeout=0.05)
    assert ("error", "looking took longer than 0.05 s") == (one.outcome, one.reason)


def test_the_classifier_is_an_error_where_its_model_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    from llmops_git.errors import NotMeasured
    from llmops_git.guardrails import classifier

    def away(_text: str) -> Any:
        raise NotMeasured("the weights cannot be fetched")

    monkeypatch.setattr(classifier, "_model_vector", away)
    one = result("hi", "classifier", examples={"found": ["never asked before"]})
    assert ("error", "the weights cannot be fetched") == (one.outcome, one.reason)
