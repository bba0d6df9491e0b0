from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.policy import Environment
from llmops_git.errors import GateRefused, LlmopsError
from llmops_git.releases.rules import (
    Nothing,
    automatic_release,
    check_promotion,
    choose_release,
    find_release,
    in_order,
    rollback_target,
)
from llmops_git.releases.tags import TagName
from llmops_git.releases.values import Action, EnvironmentState, Registry, Release, Running
from llmops_git.releases.versions import Version

STAGING = Environment(name="staging", promote="automatic")
PRODUCTION = Environment(name="production", after="staging", promote="automatic")


def release(minor: int) -> Release:
    return Release(
        tag=TagName("router", Version(1, minor, 0)), tag_object=f"{minor:040x}", commit="c" * 40, header="", time=0, contents=""
    )


def running(minor: int, action: Action = "promote") -> Running:
    of = release(minor)
    return Running(
        config="router",
        release=of.name,
        tag_object=of.tag_object,
        commit=of.commit,
        digest="sha256:0",
        bundle="b",
        action=action,
    )


def registry(newest: int, **environments: Running) -> Registry:
    return Registry(
        releases={"router": tuple(release(minor) for minor in range(newest + 1))},
        environments={
            name: EnvironmentState(name=name, tip="t", running={"router": record}) for name, record in environments.items()
        },
    )


def history(*steps: str) -> list[Running]:
    """`history("1", "2", "<1")`: promoted 1 and 2, rolled back to 1."""
    return [running(int(step.lstrip("<")), "rollback" if step.startswith("<") else "promote") for step in steps]


def minor_of(found: Running | None) -> int | None:
    return None if found is None else int(found.tag_object, 16)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["0"], None),
        (["0", "1"], 0),
        (["0", "1", "2"], 1),
        (["0", "1", "2", "<1"], 0),  # not 2: that is what was rolled back
        (["0", "1", "2", "<1", "<0"], None),
        (["0", "1", "<0", "2"], 0),  # 1 was rolled back and is skipped
        (["0", "1", "<0", "1"], 0),
        (["0", "1", "2", "<0"], None),
        (["0", "1", "2", "<0", "3"], 0),
        (["0", "1", "0"], 1),  # promoting an older one by hand is no rollback
        (["0", "1", "<0", "0"], None),  # lifting the hold changes nothing that ran
        (["1", "<0"], 1),  # back to one that never ran here
    ],
)
def test_a_rollback_goes_to_the_release_that_ran_before(steps: Sequence[str], expected: int | None) -> None:
    assert minor_of(rollback_target(history(*steps))) == expected


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_rolling_back_again_and_again_ends_and_never_repeats_itself(minors: list[int]) -> None:
    steps = [running(minor) for minor in minors]
    seen = 0
    while (target := rollback_target(steps)) is not None:
        assert target.tag_object != steps[-1].tag_object
        steps.append(running(int(target.tag_object, 16), "rollback"))
        seen += 1
        assert seen <= len(minors)


def test_the_newest_release_is_the_default_where_nothing_comes_before() -> None:
    assert choose_release(registry(3), "router", STAGING, "") == release(3)


def test_what_runs_before_is_the_default_and_not_the_newest() -> None:
    assert choose_release(registry(3, staging=running(2)), "router", PRODUCTION, "") == release(2)


def test_nothing_is_promoted_past_an_environment_that_runs_nothing() -> None:
    with pytest.raises(GateRefused, match="`router` does not run in staging") as caught:
        choose_release(registry(3), "router", PRODUCTION, "")
    assert caught.value.hint == "llmops-git promote router --to staging"


def test_a_release_must_run_in_the_environment_before() -> None:
    with pytest.raises(GateRefused, match=r"v1\.3\.0 does not run in staging, .* \(it runs llmops/router/v1\.2\.0\)"):
        check_promotion(registry(3, staging=running(2)), PRODUCTION, release(3))


def test_the_same_number_with_another_tag_object_does_not_count_as_running_before() -> None:
    moved = Running(
        config="router",
        release="llmops/router/v1.2.0",
        tag_object="f" * 40,
        commit="c",
        digest="d",
        bundle="b",
        action="promote",
    )
    with pytest.raises(GateRefused):
        check_promotion(registry(3, staging=moved), PRODUCTION, release(2))


def test_promoting_what_runs_does_nothing() -> None:
    assert check_promotion(registry(3, staging=running(3)), STAGING, release(3)) == Nothing(
        reason="llmops/router/v1.3.0 already runs in staging"
    )


def test_promoting_what_runs_after_a_rollback_lifts_the_hold() -> None:
    assert check_promotion(registry(3, staging=running(3, "rollback")), STAGING, release(3)) is None


def test_automatic_promotion_stops_at_a_hold() -> None:
    outcome = automatic_release(registry(3, staging=running(1, "rollback")), STAGING, "router")
    assert isinstance(outcome, Nothing)
    assert outcome.held


def test_automatic_promotion_follows_the_environment_before() -> None:
    assert automatic_release(registry(3, staging=running(2), production=running(1)), PRODUCTION, "router") == release(2)


def test_automatic_promotion_never_goes_back() -> None:
    state = registry(3, staging=running(1, "rollback"), production=running(2))
    outcome = automatic_release(state, PRODUCTION, "router")
    assert isinstance(outcome, Nothing)
    assert not outcome.held


def test_automatic_promotion_waits_for_the_environment_before() -> None:
    assert isinstance(automatic_release(registry(3), PRODUCTION, "router"), Nothing)


def test_releases_are_found_by_number_with_or_without_v_and_by_tag() -> None:
    for text in ("1.2.0", "v1.2.0", "llmops/router/v1.2.0", "refs/tags/llmops/router/v1.2.0"):
        assert find_release(registry(3), "router", text) == release(2)


@pytest.mark.parametrize("text", ["9.9.9", "1.2", "llmops/other/v1.2.0", "--help", ""])
def test_a_release_that_is_not_there_names_the_newest_ones(text: str) -> None:
    with pytest.raises(LlmopsError, match=r"\(newest: v1\.1\.0, v1\.2\.0, v1\.3\.0\)"):
        find_release(registry(3), "router", text)


def test_environments_come_after_those_they_wait_for() -> None:
    late, early = Environment(name="late", after="early"), Environment(name="early")
    assert in_order({"late": late, "early": early}) == [early, late]


def test_environments_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(LlmopsError, match="the environments a, b wait for each other"):
        in_order({"a": Environment(name="a", after="b"), "b": Environment(name="b", after="a")})
