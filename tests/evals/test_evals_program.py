"""From a config and a case to the request that reaches the model."""

from __future__ import annotations

import pytest
from eval_material import make_config
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.values import Case
from llmops_git.errors import LlmopsError
from llmops_git.evals.program import (
    DEFAULT_OUTPUT_TOKENS,
    estimated_input_tokens,
    most_input_tokens,
    output_token_limit,
    render_request,
)
from llmops_git.providers.base import Request

CASE = Case(id="c1", inputs={"word": "hello"})


def test_a_request_holds_all_that_reaches_the_model() -> None:
    schema = {"type": "object"}
    tool = {"name": "lookup"}
    config = make_config(output={"schema": schema}, tools=[tool])
    expected = Request(
        provider="fake",
        model="fake-1",
        messages=({"role": "system", "content": "Repeat the word."}, {"role": "user", "content": "hello"}),
        parameters={"temperature": 0, "max_tokens": 8},
        output_schema=schema,
        tools=(tool,),
    )
    assert expected == render_request(config, CASE)


def test_templates_see_the_documents() -> None:
    config = make_config(
        messages=[{"role": "user", "template": "{% for d in documents %}[{{ d.text }}]{% endfor %}{{ word }}"}]
    )
    request = render_request(config, CASE, [{"id": "a", "text": "one", "score": 1.0}, {"id": "b", "text": "two", "score": 0.5}])
    assert request.messages[0]["content"] == "[one][two]hello"


def test_a_missing_input_is_an_error() -> None:
    with pytest.raises(LlmopsError, match="'word' is undefined"):
        render_request(make_config(), Case(id="c", inputs={"wrod": "x"}))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({"max_tokens": 5}, 5), ({"max_completion_tokens": 7, "max_tokens": 5}, 7), ({}, DEFAULT_OUTPUT_TOKENS)],
)
def test_the_longest_reply_is_what_the_parameters_allow(parameters: dict, expected: int) -> None:
    assert output_token_limit(Request(provider="p", model="m", messages=(), parameters=parameters)) == expected


@given(st.lists(st.text(max_size=200), max_size=4))
def test_the_bound_on_input_tokens_is_no_less_than_their_bytes_and_the_estimate(texts: list[str]) -> None:
    request = Request(provider="p", model="m", messages=tuple({"role": "user", "content": text} for text in texts))
    assert most_input_tokens(request) >= sum(len(text.encode(errors="replace")) for text in texts)
    assert most_input_tokens(request) >= estimated_input_tokens(request)
