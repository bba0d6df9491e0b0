"""Pages with a script of their own: the policy that allows it and nothing else, and data that cannot end its element."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'\u2028\u2029"}


def page_with_data(page: str, *, styles: Sequence[str], script: str, data: Any) -> str:
    """The page from its parts (names of files beside this one) and a JSON value, which strangers may have written."""
    style = "".join(_asset(name) for name in styles)
    code = _asset(script)
    parts = {
        "@POLICY@": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(code)}'; "
        "base-uri 'none'; form-action 'none'",
        "@STYLE@": style,
        "@SCRIPT@": code,
        "@DATA@": json.dumps(data).translate(_ESCAPES),
    }
    text = _asset(page)
    for mark, part in parts.items():  # the data, which strangers wrote, comes last
        text = text.replace(mark, part, 1)
    return text


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
