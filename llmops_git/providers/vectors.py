"""Vectors as the text of a reply, so that they are cached, recorded, paced and paid for like any other."""

from __future__ import annotations

import base64
import json
import math
import sys
from array import array
from collections.abc import Sequence


def encoded_vectors(vectors: Sequence[Sequence[float]]) -> str:
    """A JSON object with the numbers as little-endian 32-bit floats in base64. Raises ValueError where they are none, of
    different lengths, or not finite."""
    dimensions = len(vectors[0]) if vectors else 0
    if not dimensions or any(len(vector) != dimensions for vector in vectors):
        raise ValueError("the vectors have no length, or several")
    if not all(math.isfinite(number) for vector in vectors for number in vector):
        raise ValueError("a vector holds what is no finite number")
    numbers = array("f", (number for vector in vectors for number in vector))
    return json.dumps({"dimensions": dimensions, "float32": base64.b64encode(_little(numbers).tobytes()).decode()})


def decoded_vectors(text: str, count: int) -> list[tuple[float, ...]]:
    """The `count` vectors in a text of `encoded_vectors`. Raises ValueError where it is none, or holds another number."""
    try:
        document = json.loads(text)
        dimensions, data = int(document["dimensions"]), base64.b64decode(document["float32"], validate=True)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a reply of vectors: {error}") from None
    numbers = array("f")
    numbers.frombytes(data)
    numbers = _little(numbers)
    if dimensions < 1 or len(numbers) != dimensions * count:
        raise ValueError(f"{len(numbers)} numbers are not {count} vectors of {dimensions}")
    return [tuple(numbers[start : start + dimensions]) for start in range(0, len(numbers), dimensions)]


def _little(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":  # pragma: no cover
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
