"""What stands in a suite where personal data was: a redacted text would have nothing left for a rule to find. Pure.

`write to [EMAIL]` is measured as `write to ada.lovelace@example.org`: the values are set aside for examples, or nobody's. There
are none for secrets, since a suite with key-like texts would be stopped by every scanner that looks for keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmops_git.guardrails.secret_formats import FORMATS
from llmops_git.guardrails.secrets import ANNOUNCED_LABEL

STAND_INS: Mapping[str, str] = {
    "EMAIL": "ada.lovelace@example.org",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN": "GB82 WEST 1234 5698 7654 32",
    "US_SSN": "219-09-9999",
    "UK_NINO": "AB 12 34 56 C",
    "PHONE": "+1 202-555-0143",
    "IP": "192.0.2.44",
    "MAC": "00:00:5e:00:53:af",
}
_MARK = re.compile(r"\[([A-Z0-9_]{1,60})\]")


def with_stand_ins(text: str) -> str | None:
    """A redacted text with a stand-in for every mark; None where one marks something that has none."""
    if any(label in FORMATS or label == ANNOUNCED_LABEL for label in _MARK.findall(text)):
        return None
    return _MARK.sub(lambda match: STAND_INS.get(match[1], match[0]), text)
