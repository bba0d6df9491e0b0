"""Personal data: what is found, what only looks like it, and the checksums."""

from __future__ import annotations

import pytest
from guard_material import found, result
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.guardrails.checksums import is_card, is_iban, luhn

VALUES = [
    ("EMAIL", "ann@example.com"),
    ("EMAIL", "jane.doe+tag@mail.example.co.uk"),
    ("EMAIL", "max@müller.de"),
    ("EMAIL", "o'brien@example.org"),
    ("PHONE", "+49 (0) 30 1234567"),
    ("PHONE", "+1-415-555-2671"),
    ("PHONE", "(415) 555-2671"),
    ("PHONE", "415.555.2671"),
    ("PHONE", "030/1234567"),
    ("PHONE", "0044 20 7946 0958"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("CREDIT_CARD", "5555555555554444"),
    ("CREDIT_CARD", "378282246310005"),
    ("CREDIT_CARD", "3782-822463-10005"),
    ("CREDIT_CARD", "6011000990139424"),
    ("IBAN", "DE89 3704 0044 0532 0130 00"),
    ("IBAN", "GB82WEST12345698765432"),
    ("IBAN", "fr14 2004 1010 0505 0001 3m02 606"),
    ("US_SSN", "123-45-6789"),
    ("UK_NINO", "AB 12 34 56 C"),
    ("IP", "192.168.0.17"),
    ("IP", "2001:db8::8a2e:370:7334"),
    ("MAC", "00:1B:44:11:3A:B7"),
]
NONE = [
    "at 12:34:56 on 2024-01-02",
    "version 1.2.3 of 2024",
    "order 1234567890",
    "4111 1111 1111 1112",
    "1234567812345670 ",  # right check digit, no network's number
    "DE88 3704 0044 0532 0130 00",
    "666-45-6789 and 123-00-6789",
    "999.1.1.1",
    "std::vector<int>",
    "a@b",
    "me @ work.com",
    "ISBN 978-3-16-148410-0",
    "100,000.00 EUR",
    "3.14159265358979",
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_a_value_is_found_whole_with_its_kind(kind: str, value: str) -> None:
    text = f"Hello, it is {value}, thanks."
    assert (kind, value) in found(text, "pii")
    assert [(kind, value)] == found(text, "pii", kinds=[kind])


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it_is_not_found(text: str) -> None:
    assert [] == found(text, "pii")


def test_only_the_wanted_kinds_are_looked_for() -> None:
    assert [("PHONE", "(415) 555-2671")] == found("ann@example.com (415) 555-2671", "pii", kinds=["PHONE"])
    assert "there is no kind `NAME`" in result("x", "pii", kinds=["NAME"]).reason


def test_a_card_behind_other_digits_is_found() -> None:
    assert [("CREDIT_CARD", "4111 1111 1111 1111")] == found("1 1234 4111 1111 1111 1111 9", "pii", kinds=["CREDIT_CARD"])


def test_an_account_ends_where_the_countrys_do() -> None:
    assert [("IBAN", "DE89370400440532013000")] == found("DE89370400440532013000 is mine", "pii", kinds=["IBAN"])
    assert [("IBAN", "BE68 5390 0754 7034")] == found("to BE68 5390 0754 7034 now please", "pii", kinds=["IBAN"])


@given(st.text(alphabet="0123456789", min_size=1, max_size=18), st.integers(1, 9), st.integers(0, 17))
def test_luhn_sees_every_changed_digit(digits: str, step: int, place: int) -> None:
    check = next(str(digit) for digit in range(10) if luhn(digits + str(digit)))
    whole = digits + check
    place %= len(whole)
    changed = whole[:place] + str((int(whole[place]) + step) % 10) + whole[place + 1 :]
    assert luhn(whole)
    assert not luhn(changed)


def test_checksums_want_the_form_as_well() -> None:
    assert is_card("4111111111111111")
    assert not is_card("411111111111111")
    assert is_iban("DE89370400440532013000")
    assert not is_iban("XX89370400440532013000")
    assert not is_iban("DE8937040044053201300")
