"""Reads one thing from a GGUF file: the texts that its tokenizer takes for control tokens.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian). Only the header is
read, never a tensor, and a length in it is held against the file's size before anything is allocated.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

from llmops_git.errors import LlmopsError

_TOKENS = "tokenizer.ggml.tokens"
_TYPES = "tokenizer.ggml.token_type"
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_UNKNOWN, _CONTROL = 2, 3  # llama_token_type
# Files exist whose chat marks are not typed as control tokens, and llama.cpp makes up for that by their text.
_MARK = re.compile(r"<\|[^<>|\s]{1,64}\|>|<\uff5c[^<>\s]{1,64}\uff5c>|</?s>|<(?:start|end)_of_turn>|\[/?INST\]|<<?/?SYS>?>")


def control_tokens(path: Path) -> tuple[str, ...]:
    """The texts that become control tokens where they occur in a prompt, in the tokenizer's order.

    Raises LlmopsError when the file is not a GGUF file, or is cut off.
    """
    try:
        with path.open("rb") as file:
            tokens, types = _vocabulary(_Reader(file, path.stat().st_size))
    except (EOFError, ValueError, struct.error) as error:
        raise LlmopsError(f"{path} is not a GGUF file that can be read: {error}") from None
    types = types or [1] * len(tokens)
    return tuple(token for token, kind in zip(tokens, types, strict=False) if _is_control(token, kind))


def _is_control(token: str, kind: int) -> bool:
    if kind in {_CONTROL, _UNKNOWN}:
        return bool(token)
    return _MARK.fullmatch(token) is not None


def _vocabulary(reader: _Reader) -> tuple[list[str], list[int]]:
    magic, version = reader.take(4), reader.number("I")
    if magic != _MAGIC or version not in _VERSIONS:
        raise ValueError("it has another magic number or version")
    reader.number("Q")  # tensors
    found: dict[str, Any] = {_TOKENS: [], _TYPES: []}
    for _ in range(reader.number("Q")):
        key = reader.text()
        value = reader.value(reader.number("I"), wanted=key in found)
        if key in found:
            found[key] = value
    return found[_TOKENS], found[_TYPES]


class _Reader:
    """A GGUF header, value by value."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def take(self, size: int) -> bytes:
        if size > self._left:
            raise EOFError("it ends too early")
        self._left -= size
        return self._file.read(size)

    def number(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0]

    def text(self) -> str:
        return self.take(self.number("Q")).decode(errors="surrogateescape")

    def value(self, kind: int, *, wanted: bool) -> Any:
        """One value; what is not wanted is passed over without being kept."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(wanted=wanted)
        if kind not in _NUMBERS:
            raise ValueError(f"it has a value of the unknown type {kind}")
        return self.number(_NUMBERS[kind])

    def _array(self, *, wanted: bool) -> list[Any]:
        kind, count = self.number("I"), self.number("Q")
        if kind in _NUMBERS:
            data = self.take(struct.calcsize(f"<{_NUMBERS[kind]}") * count)
            return list(struct.unpack(f"<{count}{_NUMBERS[kind]}", data)) if wanted else []
        if kind != _STRING:
            raise ValueError(f"it has an array of the type {kind}")
        if not wanted:
            for _ in range(count):
                self.take(self.number("Q"))
            return []
        return [self.text() for _ in range(count)]
