"""Finds sentences that are written in Base64 or in hexadecimal digits: what a filter does not read and a model does."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from llmops_git.guardrails.limits import Allowance, matches
from llmops_git.guardrails.pii_kinds import compiled

_BASE64 = r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,4000}={0,2}(?![A-Za-z0-9+/_-])"
_HEX = r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[\s,:]{0,2}){20,2000}(?![0-9A-Za-z])"
_SENTENCE_LETTERS = 0.8  # share of letters and blanks in what is taken for a sentence
_LEAST_BLANKS = 2


def encoded_places(text: str, time: Allowance) -> Iterator[tuple[int, int]]:
    """Where sentences in Base64 or hexadecimal digits stand. Raises Undecided."""
    for match in matches(compiled(_BASE64), text, time):
        if _is_sentence(_from_base64(match[0])):
            yield match.span()
    for match in matches(compiled(_HEX), text, time):
        if _is_sentence(_from_hex(match[0])):
            yield match.span()


def _from_base64(written: str) -> bytes:
    plain = written.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain[: len(plain) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return b""


def _from_hex(written: str) -> bytes:
    digits = "".join(letter for letter in written if letter.isalnum())
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _is_sentence(data: bytes) -> bool:
    """Whether bytes are a text of several words."""
    try:
        text = data.decode("utf-8", errors="strict") if data else ""
    except UnicodeDecodeError as error:
        text = data[: error.start].decode() if error.start >= len(data) - 3 else ""  # cut inside of a letter
    if not text.isprintable() and not text.replace("\n", " ").replace("\t", " ").isprintable():
        return False
    words = sum(letter.isalpha() or letter.isspace() for letter in text)
    return text.count(" ") >= _LEAST_BLANKS and words >= _SENTENCE_LETTERS * len(text)
