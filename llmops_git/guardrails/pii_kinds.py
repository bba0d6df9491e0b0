"""The kinds of personal data that are known here: a pattern each, and what a value must be beside looking like it.

Every pattern is bounded at every place where it can begin, so that a text costs as much as it is long.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llmops_git.guardrails.checksums import iban_length, is_card, is_iban

Span = tuple[int, int]


def whole(match: Any) -> Span | None:
    """All of the match."""
    return match.span()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`span` is the part of a match that is the value, None where it is none. With `overlapped`, values are also looked for
    inside of what was no value."""

    name: str
    pattern: str
    span: Callable[[Any], Span | None] = whole
    overlapped: bool = False
    needs: str = r"\d"  # what is in every value: a text without it is not looked through


@lru_cache(maxsize=128)
def compiled(pattern: str) -> Any:
    """The compiled pattern: loading this module compiles none."""
    import regex  # type: ignore[import-untyped]

    return regex.compile(pattern)


def _email(match: Any) -> Span | None:
    return match.start("local"), match.end()


def _phone(match: Any) -> Span | None:
    digits = sum(letter.isdigit() for letter in match[0])
    least = 8 if match["international"] else 9
    return match.span() if least <= digits <= 15 else None  # noqa: PLR2004  # E.164 has at most 15


def _card(match: Any) -> Span | None:
    return match.span() if is_card("".join(letter for letter in match[0] if letter.isdigit())) else None


def _iban(match: Any) -> Span | None:
    """A country's IBANs have one length; what comes after it is another word."""
    left = iban_length(match[0][:2])
    for place, letter in enumerate(match[0]):
        left -= letter.isalnum()
        if left == 0:
            return (match.start(), match.start() + place + 1) if is_iban(match[0][: place + 1]) else None
    return None


def _address(match: Any) -> Span | None:
    try:
        ipaddress.ip_address(match[0])
    except ValueError:
        return None
    return match.span() if any(letter.isdigit() for letter in match[0]) else None


_EMAIL = r"@(?<=(?P<local>[\w.+%'-]{1,64})@)(?:[\w-]{1,63}\.){1,8}\p{L}[\p{L}\d-]{1,23}(?![\w-])"
_PHONE = r"""(?x)(?<![\w+])(?:
      (?P<international>(?:\+|(?<!\d[\s.-])00)[1-9]\d{0,2}[\s().\/-]{0,2}) (?:\d[\s().\/-]{0,2}){5,12}\d
    | (?:\+?1[\s.-]?)?(?:\([2-9]\d{2}\)\s?|[2-9]\d{2}[\s.-])[2-9]\d{2}[\s.-]\d{4}
    | (?<!\d[\s.-])\(?0\d{1,5}\)?[\s\/.-]{1,3}\d{2,8}(?:[\s.-]\d{2,5}){0,4}
    )(?![\w-]*\d)"""
_CARD = (
    r"""(?x)(?<!\d)(?:\d{13,19}|\d{4}(?P<a>[\s.-])\d{4}(?P=a)\d{4}(?P=a)\d{1,7}|\d{4}(?P<b>[\s.-])\d{6}(?P=b)\d{4,5})(?!\d)"""
)
_IBAN = r"(?<![^\W_])[A-Za-z]{2}\d{2}(?:[\s-]?[A-Za-z0-9]){11,30}"
_IPV4 = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"
_IPV6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])"
_SSN = r"(?<![\w-])(?!000|666|9\d\d)\d{3}(?P<between>[\s-])(?!00)\d{2}(?P=between)(?!0000)\d{4}(?![\w-])"
_NINO = r"(?i)(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D](?!\w)"
_MAC = r"(?<![\w:-])(?:[0-9A-Fa-f]{2}(?P<between>[:-]))(?:[0-9A-Fa-f]{2}(?P=between)){4}[0-9A-Fa-f]{2}(?![\w:-])"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="EMAIL", pattern=_EMAIL, span=_email, needs="@"),
        Kind(name="CREDIT_CARD", pattern=_CARD, span=_card, overlapped=True),
        Kind(name="IBAN", pattern=_IBAN, span=_iban, overlapped=True),
        Kind(name="US_SSN", pattern=_SSN),
        Kind(name="UK_NINO", pattern=_NINO),
        Kind(name="PHONE", pattern=_PHONE, span=_phone),
        Kind(name="IP", pattern=f"{_IPV4}|{_IPV6}", span=_address),
        Kind(name="MAC", pattern=_MAC),
    )
}
