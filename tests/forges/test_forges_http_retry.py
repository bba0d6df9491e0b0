"""When a request may be made again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.forges.http_retry import FAULT_ATTEMPTS, LIMIT_ATTEMPTS, Answer, Lost, is_limited, wait_before_repeating

NOW = 1_767_323_045.0  # Fri, 02 Jan 2026 03:04:05 GMT
DATE = "Fri, 02 Jan 2026 03:04:05 GMT"
EARLIER = "Fri, 02 Jan 2026 02:04:05 GMT"
SECONDARY = b'{"message": "You have exceeded a secondary rate limit."}'


def wait(outcome: Answer | Lost, *, attempt: int = 0, repeatable: bool = True) -> float | None:
    return wait_before_repeating(outcome, attempt=attempt, repeatable=repeatable, now=NOW)


@pytest.mark.parametrize(
    ("headers", "content", "seconds"),
    [
        ({"retry-after": "7"}, b"", 7.0),
        ({"retry-after": "0"}, b"", 1.0),
        ({"retry-after": "-5"}, SECONDARY, 60.0),
        ({"retry-after": "soon"}, b"", 60.0),
        ({"retry-after": "Fri, 02 Jan 2026 03:05:05 GMT"}, b"", 60.0),
        ({"retry-after": "Fri, 02 Jan 2026 03:05:05 GMT", "date": EARLIER}, b"", 3660.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, b"", 1.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767323075"}, b"", 31.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767323075", "date": DATE}, b"", 31.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767319475", "date": EARLIER}, b"", 31.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, b"", 1.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "later"}, b"", 60.0),
        ({"x-ratelimit-remaining": "0"}, b"", 60.0),
        ({}, SECONDARY, 60.0),
        ({}, b'{"message": "You have triggered an abuse detection mechanism."}', 60.0),
    ],
)
@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_waited_for_as_long_as_it_says(status: int, headers: dict[str, str], content: bytes, seconds: float) -> None:
    answer = Answer(status=status, headers=headers, content=content)
    assert seconds == wait(answer) == wait(answer, repeatable=False)


def test_a_limit_that_does_not_say_how_long_is_waited_for_longer_each_time() -> None:
    answer = Answer(status=429)
    assert [60.0, 120.0, 240.0] == [wait(answer, attempt=attempt) for attempt in range(3)]
    assert wait(answer, attempt=LIMIT_ATTEMPTS - 1) is None


def test_a_missing_permission_is_no_limit() -> None:
    answer = Answer(
        status=403, headers={"x-ratelimit-remaining": "10"}, content=b'{"message": "Resource not accessible by integration"}'
    )
    assert (False, None) == (is_limited(answer), wait(answer))


def test_a_storage_that_forbids_is_no_limit() -> None:
    assert not is_limited(Answer(status=403, content=SECONDARY, foreign="storage.example"))


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_fault_is_repeated_only_where_twice_is_as_good_as_once(status: int) -> None:
    answer = Answer(status=status)
    assert [1.0, 2.0, 4.0, None] == [wait(answer, attempt=attempt) for attempt in range(FAULT_ATTEMPTS)]
    assert wait(answer, repeatable=False) is None
    assert 9.0 == wait(Answer(status=status, headers={"retry-after": "9"}))


def test_a_lost_answer_is_repeated_only_where_that_is_safe() -> None:
    assert [1.0, 2.0, 4.0, None] == [wait(Lost(why="cut"), attempt=attempt) for attempt in range(FAULT_ATTEMPTS)]
    assert wait(Lost(why="cut"), repeatable=False) is None
    assert 1.0 == wait(Lost(why="refused", sent=False), repeatable=False)
    assert wait(Lost(why="certificate", sent=False, hopeless=True)) is None


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 422, 451, 301])
def test_what_will_not_change_is_not_asked_again(status: int) -> None:
    assert wait(Answer(status=status, headers={"retry-after": "5"})) is None


HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-ratelimit-remaining", "x-ratelimit-reset"]), st.text(max_size=40)
)


@given(status=st.sampled_from([403, 429, 500, 503]), headers=HEADERS, content=st.binary(max_size=50), attempt=st.integers(0, 9))
def test_no_header_makes_it_crash_or_hurry(status: int, headers: dict[str, str], content: bytes, attempt: int) -> None:
    seconds = wait(Answer(status=status, headers=headers, content=content), attempt=attempt)
    assert seconds is None or seconds >= 1.0
