"""Words in the text of any language: runs of letters and digits, and each character of scripts without spaces."""

from __future__ import annotations

import re
import unicodedata

# Thai to Myanmar, kana, and Han with its extensions; Hangul is written with spaces
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ALONE += "\uff66-\uff9f\U00020000-\U000323af"
# an apostrophe inside a word belongs to it; marks (accents, vowel signs) are not \w where they cannot be composed
_MARKS = "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0980-\u0983\u09bc-\u09cd"
_WORD = re.compile(rf"[{_ALONE}]|(?>(?:(?![{_ALONE}])[\w{_MARKS}])+)(?>(?:['\u2019](?>(?:(?![{_ALONE}])[\w{_MARKS}])+))*)")
_PARTS = re.compile(rf"[{_ALONE}]|(?>(?:(?![{_ALONE}_])[\w{_MARKS}])+)")


def count_words(text: str) -> int:
    """How many words the text has, as people count them: `don't` is one."""
    return sum(1 for _ in _WORD.finditer(unicodedata.normalize("NFC", text)))


def folded_words(text: str) -> list[str]:
    """The words without case, to compare texts by; apostrophes divide, as the ROUGE of English does it."""
    return _PARTS.findall(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()))
