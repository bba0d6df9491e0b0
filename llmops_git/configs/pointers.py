"""How the path of a field is written for people: `$.messages[0].content`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def pointer_text(pointer: Iterable[str | int]) -> str:
    """`$.a.b[0]`, or `$.a["b c"]` where a key is not a plain word."""
    parts = ["$"]
    for part in pointer:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif _PLAIN.match(part):
            parts.append(f".{part}")
        else:
            parts.append(f"[{json.dumps(part, ensure_ascii=False)}]")
    return "".join(parts)
