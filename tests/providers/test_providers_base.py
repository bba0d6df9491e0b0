"""Requests: equal keys are the same purchase."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.providers.base import Request

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
)
_objects = st.dictionaries(_texts, _json, max_size=3)
_requests = st.builds(
    Request,
    provider=_texts,
    model=_texts,
    messages=st.lists(st.dictionaries(_texts, _texts, max_size=3) | _objects, max_size=3).map(tuple),
    parameters=_objects,
    output_schema=st.none() | _objects,
    tools=st.lists(_objects, max_size=2).map(tuple),
)


@given(_requests, st.integers(0, 100))
def test_the_key_is_the_hash_of_the_canonical_json_of_all_that_reaches_the_model(request: Request, sample: int) -> None:
    value = {
        "provider": request.provider,
        "model": request.model,
        "messages": list(request.messages),
        "parameters": request.parameters,
        "output_schema": request.output_schema,
        "tools": list(request.tools),
        "sample": sample,
    }
    assert hashlib.sha256(rfc8785.dumps(value)).hexdigest() == request.key(sample)


def test_the_order_of_fields_does_not_matter_and_their_values_do() -> None:
    request = Request(provider="p", model="m", messages=({"role": "user", "content": "x"},), parameters={"a": 1, "b": 2})
    swapped = replace(request, messages=({"content": "x", "role": "user"},), parameters={"b": 2, "a": 1.0})
    assert request.key(0) == swapped.key(0)
    others = {replace(request, model="n").key(0), replace(request, parameters={"a": 1}).key(0), request.key(1), request.key(0)}
    assert len(others) == 4
