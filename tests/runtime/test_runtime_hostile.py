"""Whatever an application or an attacker puts into a request: nothing raises, nothing grows, every span can be written and read."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_git.runtime.documents import documents_of
from llmops_git.runtime.plain import MOST_CHARACTERS, Writer, safe_text
from llmops_git.runtime.steps import AsJson
from llmops_git.traces import attributes as names
from llmops_git.traces.otlp import from_otlp_line, to_otlp_line
from llmops_git.traces.span import Span
from tests.runtime.runtime_material import loaded, written


class Raising:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __len__ = __iter__ = __getitem__ = __bool__ = __float__ = __index__ = __str__  # type: ignore[assignment]


class Lying(str):
    """A text that says that it is another."""

    __slots__ = ()

    def __str__(self) -> str:
        return "lie"

    def encode(self, *_arguments: Any) -> bytes:
        raise RuntimeError("no")


class Endless(Mapping[str, Any]):
    """A mapping without an end."""

    def __getitem__(self, key: str) -> Any:
        return self

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            yield f"k{number}"
            number += 1

    def __len__(self) -> int:
        return 1


class Colour(enum.IntEnum):
    RED = 1


def cycle() -> list[Any]:
    own: list[Any] = []
    own.append(own)
    return own


def deep() -> Any:
    value: Any = "x"
    for _ in range(5_000):
        value = [value]
    return value


HOSTILE: list[Any] = [
    Raising(), Lying("truth"), Endless(), Colour.RED, cycle(), deep(), {"a": cycle()}, {1: 2, None: 3, Raising(): 4}, object(), type,
    lambda: 1, b"\xff\x00", bytearray(b"x"), memoryview(b"x"), 10**400, -(10**30), 1 << 63, 10 ** 5_000, math.nan, math.inf, -math.inf,
    Fraction(1, 3), 1j, "\ud800", "a\x00b", "x" * 300_000, ["x" * 30_000] * 60, [[1] * 300] * 300, {f"k{n}": n for n in range(1_000)},
    {"k" * 100_000: 1}, {1, 2}, frozenset(), range(10**9), (n for n in [1]), True, None, "", "\u202e\x1b[2J<script>", Exception("x"),
]  # fmt: skip


def hostile(number: int) -> Any:
    """Not `sampled_from`, which shows what it draws from."""
    return HOSTILE[number]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.integers(0, len(HOSTILE) - 1).map(hostile),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5) | st.tuples(inner, inner),
    max_leaves=20,
)


def survives(attributes: dict[str, Any]) -> Mapping[str, Any]:
    """The attributes of the span that a reader reads back."""
    plain = Writer(lambda text: text).attributes(attributes)
    span = Span(trace_id="a" * 32, span_id="b" * 16, name="n", start_ns=1, end_ns=2, attributes=plain)
    line = to_otlp_line([span]).encode("utf-8")
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert len(line) < 2 * 6 * MOST_CHARACTERS
    assert b"\n" not in line
    [back] = from_otlp_line(line.decode())
    assert plain.keys() == back.attributes.keys()
    return back.attributes


@settings(max_examples=60)
@given(st.dictionaries(st.text(st.characters(codec=None), max_size=20), values, max_size=6))
def test_any_attributes_can_be_written_and_read(attributes: dict[str, Any]) -> None:
    survives(attributes)
    survives({name: AsJson(value) for name, value in attributes.items()})


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_each_hostile_value_can_be_written(number: int) -> None:
    survives({"a": HOSTILE[number], "b": AsJson(HOSTILE[number])})


def test_values_keep_their_kinds() -> None:
    numpy = pytest.importorskip("numpy")
    found = survives(
        {
            "int": Colour.RED, "float32": numpy.float32(0.5), "int64": numpy.int64(7), "bool": numpy.bool_(True), "long": 1 << 63,
            "text": Lying("truth"), "list": (1, "a"), "map": {"a": [1]}, "none": None, "array": numpy.zeros(3),
        }
    )  # fmt: skip
    assert {
        "int": 1, "float32": 0.5, "int64": 7, "bool": True, "long": str(1 << 63), "text": "truth", "list": (1, "a"), "map": {"a": (1,)},
        "array": "[0. 0. 0.]",
    } == found  # fmt: skip


def test_a_text_is_cut_and_says_so() -> None:
    found = survives({"a": "x" * 25_000})["a"]
    assert found == "x" * 20_000 + "… (5,000 more characters)"


def test_what_is_cleaned_is_not_cut_in_half() -> None:
    """A secret across the place of the cut goes as a whole."""
    text = "x" * 19_990 + "the-secret-that-nobody-sees" + "y" * 5_000
    plain = Writer(lambda text: text.replace("the-secret-that-nobody-sees", "[redacted]")).attributes({"a": text})
    assert "the-secret" not in plain["a"]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_request_of_hostile_values_hurts_nobody(tmp_path: Path, number: int) -> None:
    value = HOSTILE[number]
    router = loaded(tmp_path, content="redacted" if number % 4 == 0 else "full", user_salt="s" if number % 2 else "")
    with router.request(
        user=value, feature=value, conversation=value, attributes={"a": value, "gen_ai.operation.name": value}
    ) as request:
        request.set("b", value)
        request.retrieve(value, lambda _: value)
        request.record(value, messages=[{"role": "user", "content": value}], model="m", provider="p")
        request.tool("t", [value], lambda _: value, id=str(number))
        request.signal("edit", comment=value)
    router.signal(request.id, "thumbs_down", comment=value, user=value, feature=value)
    spans = written(tmp_path, router)
    assert {"invoke_workflow", "retrieval", "chat", "execute_tool", "signal"} == {
        span.attributes[names.OPERATION] for span in spans
    }
    assert 6 == len(spans)
    assert "spans_failed" not in router.stats()


@given(values)
def test_any_result_of_a_search_is_documents_or_an_error_that_is_caught(found: Any) -> None:
    with suppress(Exception):  # the request counts it
        documents = documents_of(found)
        assert len(documents) <= 1_000
        assert all(isinstance(document["text"], str) and isinstance(document["id"], str) for document in documents)


@given(st.text(st.characters(codec=None)))
def test_texts_are_utf8(text: str) -> None:
    assert safe_text(text).encode().decode() == safe_text(text)
