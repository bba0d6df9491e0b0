from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from llmops_git.configs.values import Config
from llmops_git.releases.evidence import Evidence
from llmops_git.releases.plan import decide, needs_release, plan_release
from llmops_git.releases.tags import TagName
from llmops_git.releases.values import Registry, Release
from llmops_git.releases.versions import Version
from tests.releases.release_helpers import make_config, make_evidence


def released(config: Config, minor: int = 0) -> Release:
    return Release(
        tag=TagName(config.name, Version(1, minor, 0)), tag_object="a" * 40, commit="c" * 40, header="", time=0,
        contents=f"s\n\nConfig-Digest: {config.digest}\n",
    )  # fmt: skip


def changed(config: Config, **parts: object) -> Config:
    return replace(config, resolved={**copy.deepcopy(dict(config.resolved)), **parts}, digest="sha256:new")


def test_what_differs_from_its_newest_release_needs_one() -> None:
    same, new, other = make_config("same"), make_config("new"), make_config("other")
    registry = Registry(
        releases={"same": (released(same),), "other": (released(other), released(make_config("other", "Else."), 1))}
    )
    assert needs_release(registry, {config.name: config for config in (same, other, new)}) == ["new", "other"]


def test_the_first_release_is_1_0_0() -> None:
    candidate = plan_release(make_config(), None, None)
    assert (str(candidate.tag), candidate.bump_name) == ("llmops/router/v1.0.0", "first")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"messages": [{"role": "system", "template": "Other."}]}, "1.4.1"),
        ({"model": {"provider": "local", "id": "large-2026-01-01", "parameters": {"temperature": 0}}}, "1.5.0"),
        ({"output": {"schema": {"type": "object"}}}, "2.0.0"),
        ({}, "1.4.1"),
    ],
)
def test_the_number_follows_from_what_changed(parts: dict[str, object], expected: str) -> None:
    config = make_config()
    candidate = plan_release(changed(config, **parts), released(config, 4), config)
    assert str(candidate.tag.version) == expected


def test_a_release_that_cannot_be_loaded_any_more_counts_as_a_broken_contract() -> None:
    config = make_config()
    candidate = plan_release(config, released(config, 4), None)
    assert (str(candidate.tag.version), candidate.bump) == ("2.0.0", "major")
    assert "cannot be loaded any more" in candidate.note


def outcome(config: Config, *records: Evidence) -> str:
    return decide(config, records).state


def test_only_evidence_for_exactly_these_digests_counts() -> None:
    config = make_config()
    own = make_evidence(config)
    assert outcome(config, own) == "passes"
    assert outcome(config) == "missing"
    assert outcome(config, make_evidence(make_config(text="Other."))) == "missing"
    assert outcome(config, replace(own, eval_digest="sha256:other")) == "missing"
    assert outcome(config, replace(own, config_digest="sha256:other")) == "missing"


def test_a_failed_record_is_final_whatever_else_there_is() -> None:
    config = make_config()
    passed, failed = make_evidence(config), make_evidence(config, passes=False, reasons=["queue got worse"])
    for records in ([failed], [passed, failed], [failed, passed]):
        decision = decide(config, records)
        assert (decision.state, decision.reason) == ("refused", "queue got worse")


def test_a_config_without_an_evaluation_is_refused() -> None:
    decision = decide(make_config(evaluated=False), [])
    assert decision.state == "refused"
    assert "no `evaluation:` section" in decision.reason
