"""The table of retirement dates, what overrides it, and what is said about a date."""

from __future__ import annotations

from datetime import date

import pytest

from llmops_git.configs.policy import Policy, Retirement
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.retirements import CHECKED, KNOWN, SOURCES, announcement, days_left, retirement_of
from llmops_git.configs.tree import DictTree
from llmops_git.errors import InvalidInput

TODAY = date(2026, 11, 24)


def policy(**files: str) -> Policy:
    return load_policy(DictTree({f"{name}.yaml": text for name, text in files.items()}), "")


def test_every_entry_has_a_day_a_source_and_no_successor_that_is_retired_by_then() -> None:
    assert SOURCES.keys() == {vendor for vendor, _ in KNOWN}
    for (vendor, model), entry in KNOWN.items():
        assert date.fromisoformat(entry.date) > date(2023, 1, 1)
        assert entry.source == f"{SOURCES[vendor]}, as published by {CHECKED}"
        after = KNOWN.get((vendor, entry.successor))
        assert after is None or after.date > entry.date, model


def test_a_published_date_is_known_with_its_successor() -> None:
    found = retirement_of(policy(), "anthropic", "claude-sonnet-4-5-20250929")
    assert found is not None
    assert ("2026-11-30", "claude-sonnet-5-5") == (found.date, found.successor)


def test_the_same_model_on_another_platform_has_dates_of_its_own() -> None:
    mine = policy(
        llmops="providers: {azure: {api: openai, base_url: 'https://x.example.com/v1'}, mirror: {api: openai, base_url: 'https://api.openai.com/v1/'}}"
    )
    assert retirement_of(mine, "azure", "gpt-5-2025-08-07") is None
    assert retirement_of(mine, "mirror", "gpt-5-2025-08-07") == retirement_of(mine, "openai", "gpt-5-2025-08-07") is not None
    assert retirement_of(mine, "nobody", "gpt-5-2025-08-07") is None
    assert retirement_of(mine, "local", "gpt-5-2025-08-07") is None


def test_a_fine_tuned_model_goes_with_its_base_and_its_successor_is_not_known() -> None:
    found = retirement_of(policy(), "openai", "ft:gpt-4.1-mini-2025-04-14:acme::1")
    assert found is not None
    assert ("2027-01-14", "") == (found.date, found.successor)


def test_a_policy_adds_and_overrides_dates_by_model_or_provider_and_model() -> None:
    own = """\
house-1: {date: "2027-02-03", successor: house-2, source: our platform team}
openai/gpt-5-2025-08-07: {date: 2027-06-30}
gpt-5-2025-08-07: {date: "2028-01-01"}
o3-2025-04-16: {date: null}
"""
    mine = policy(retirements=own)
    assert Retirement(date="2027-02-03", successor="house-2", source="our platform team") == retirement_of(
        mine, "ollama", "house-1"
    )
    assert Retirement(date="2027-06-30") == retirement_of(mine, "openai", "gpt-5-2025-08-07")
    assert Retirement(date="2028-01-01") == retirement_of(mine, "xai", "gpt-5-2025-08-07")
    assert retirement_of(mine, "openai", "o3-2025-04-16") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {date: 2027-13-01}", "there is no day 2027-13-01"),
        ("a: {date: tomorrow}", "date"),
        ("a: {}", "`date` is missing"),
        ("a: {date: null, sucessor: b}", "unknown key `sucessor`"),
    ],
)
def test_a_wrong_entry_is_an_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        policy(retirements=text)
    found = caught.value.problems[0]
    assert ("retirements.yaml", 1) == (found.path, found.line)
    assert message in f"{found.pointer} {found.message}"


@pytest.mark.parametrize(
    ("day", "left", "said"),
    [
        ("2027-02-23", 91, ""),
        ("2027-02-22", 90, "`m` is retired in 90 days, on 2027-02-22 (us)"),
        ("2026-11-25", 1, "`m` is retired tomorrow, on 2026-11-25 (us)"),
        ("2026-11-24", 0, "`m` is retired today, on 2026-11-24 (us)"),
        ("2026-11-23", -1, "`m` was retired on 2026-11-23: requests to it will fail, or another model answers them (us)"),
    ],
)
def test_what_is_said_depends_on_the_days_that_are_left(day: str, left: int, said: str) -> None:
    entry = Retirement(date=day, source="us")
    assert (left, said) == (days_left(entry, TODAY), announcement("m", entry, TODAY))
