"""Pins edited in place: only the bytes of the scalar change, and the file then reads as wanted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.pin_edit import edit_pin
from llmops_git.configs.yaml import parse
from llmops_git.errors import InvalidInput, LlmopsError, Problem

OLD = "gpt-4.1-mini-2025-04-14"
NEW = "gpt-5.4-mini-2026-03-17"


def edited(text: str, model: str = NEW, provider: str = "") -> str:
    return edit_pin(text.encode(), "p/x.yaml", model=model, provider=provider).data.decode()


def problem(text: str, model: str = NEW) -> Problem:
    with pytest.raises(InvalidInput) as caught:
        edit_pin(text.encode(), "p/x.yaml", model=model)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"model:\n  provider: openai\n  id: {OLD}   # pinned\n", f"model:\n  provider: openai\n  id: {NEW}   # pinned\n"),
        (f"model: {{id: {OLD}, provider: openai}}\n", f"model: {{id: {NEW}, provider: openai}}\n"),
        (f"model: {{provider: openai, id: '{OLD}'}}", f"model: {{provider: openai, id: '{NEW}'}}"),
        (f'"model": {{"provider": "openai", "id":"{OLD}"}}', f'"model": {{"provider": "openai", "id":"{NEW}"}}'),
        ('model: {provider: openai, id: "gpt-\\u0034"}', f'model: {{provider: openai, id: "{NEW}"}}'),
        ('model: {provider: openai, id: "gpt\\\n  -4"}', f'model: {{provider: openai, id: "{NEW}"}}'),
        (f"model:\r\n  id: >-\r\n    {OLD}\r\n\r\n  provider: openai\r\n", f"model:\r\n  id: >-\r\n    {NEW}\r\n\r\n  provider: openai\r\n"),
        (f"model:\n    id: |-  # why\n        {OLD}\n    provider: openai", f"model:\n    id: |-  # why\n        {NEW}\n    provider: openai"),
        (f"? model\n: ? id\n  : {OLD}\n  ? provider\n  : openai\n", f"? model\n: ? id\n  : {NEW}\n  ? provider\n  : openai\n"),
        (f"# {OLD}\nother: [{{model: {{id: {OLD}}}}}]\nid: {OLD}\nmodel: {{provider: openai, id: {OLD}}} # {OLD}\n",
         f"# {OLD}\nother: [{{model: {{id: {OLD}}}}}]\nid: {OLD}\nmodel: {{provider: openai, id: {NEW}}} # {OLD}\n"),
        (f"a: &x {{id: {OLD}}}\nb: *x\nmodel: {{provider: openai, id: {OLD}}}\n", f"a: &x {{id: {OLD}}}\nb: *x\nmodel: {{provider: openai, id: {NEW}}}\n"),
    ],
)  # fmt: skip
def test_only_the_scalar_changes_in_every_style(before: str, after: str) -> None:
    assert after == edited(before)


@pytest.mark.parametrize(
    ("style", "model", "written"),
    [
        ("{}", "llama3.2:3b", "llama3.2:3b"),
        ("{}", "1e5", '"1e5"'),
        ("{}", "null", '"null"'),
        ("{}", "#1", '"#1"'),
        ("{}", "a,b", '"a,b"'),
        ("{}", "@cf/meta/llama-3.1-8b", '"@cf/meta/llama-3.1-8b"'),
        ("'{}'", "it's", "'it''s'"),
        ('"{}"', 'a"b\\c', '"a\\"b\\\\c"'),
        ("{}", "modèle-1", "modèle-1"),
    ],
)
def test_a_name_that_would_mean_something_else_unquoted_gets_quotes(style: str, model: str, written: str) -> None:
    text = "model: {{provider: openai, id: {}}}\n"
    assert text.format(written) == edited(text.format(style.format("gpt-4")), model)


def test_the_provider_is_edited_with_the_model_in_either_order() -> None:
    for text in ("model: {{provider: {}, id: {}}}", "model:\n  id: {1}\n  # é\n  provider: '{0}'\n"):
        assert text.format("mistral", NEW) == edited(text.format("openai", OLD), NEW, "mistral")


def test_a_byte_order_mark_stays() -> None:
    text = f"\ufeffmodel: {{provider: openai, id: {OLD}}}\r\n"
    assert text.replace(OLD, NEW) == edited(text)


def test_what_was_there_and_its_line_are_told() -> None:
    done = edit_pin(f"# x\nmodel:\n  provider: openai\n  id: {OLD}\n".encode(), "p/x.yaml", model=NEW)
    assert (4, "openai", OLD, "openai", NEW) == (done.line, done.provider_before, done.model_before, done.provider, done.model)


@pytest.mark.parametrize(
    ("text", "pointer", "line"),
    [
        (f"model: &m {{provider: openai, id: {OLD}}}\n", "$.model", 1),
        (f"x: &m {{provider: openai, id: {OLD}}}\nmodel: *m\n", "$.model", 2),
        (f"model: {{provider: openai, id: &i {OLD}}}\n", "$.model.id", 1),
        (f"x: &i {OLD}\nmodel:\n  provider: openai\n  id: *i\n", "$.model.id", 4),
        (f"model:\n  provider: &p openai\n  id: {OLD}\n", "$.model.provider", 2),
    ],
)
def test_a_pin_that_is_shared_through_an_anchor_is_refused(text: str, pointer: str, line: int) -> None:
    found = problem(text)
    assert (pointer, line, "is shared through an anchor") == (found.pointer, found.line, found.message)


@pytest.mark.parametrize(
    "text", ["messages: []", "model: gpt", "[]", "", "model: {id: x}", "model: {provider: 1, id: x}", "model: {provider: a, id: null}"]
)  # fmt: skip
def test_a_file_without_a_pin_is_refused(text: str) -> None:
    assert "has no `provider` and `id` to change" == problem(text).message


def test_a_text_over_several_lines_is_refused() -> None:
    found = problem("model:\n  provider: openai\n  id: >-\n    gpt\n    4\n")
    assert ("cannot be replaced in place", "write it on one line: id: gpt 4") == (found.message, found.hint)


def test_a_block_that_keeps_its_line_end_is_refused() -> None:
    assert "cannot be replaced in place" == problem("model:\n  provider: openai\n  id: |\n    gpt-4\n").message


@pytest.mark.parametrize("model", ["", "a b", "a\nb", "a\x1b[0m", "x" * 201, "a\u202eb", " a"])
def test_what_is_no_id_is_refused(model: str) -> None:
    with pytest.raises(LlmopsError):
        edited(f"model: {{provider: openai, id: {OLD}}}\n", model)


def test_broken_yaml_is_refused_with_its_place() -> None:
    assert 2 == problem("model: {}\nmodel: {}\n").line


# --- any file: texts around the scalar in any style ---

_IDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=12)


@st.composite
def _written(draw: st.DrawFn, text: str) -> str:
    style = draw(st.sampled_from(["double", "escaped", "single", "plain"]))
    if (
        style == "plain"
        and text.isascii()
        and text.isalnum()
        and not text[0].isdigit()
        and text not in ("null", "true", "false")
    ):
        return text
    if style == "single":
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=style == "escaped" and not any(letter > "\uffff" for letter in text))


@st.composite
def _files(draw: st.DrawFn) -> tuple[str, str, str]:
    """A file as (before the id, the id, after it)."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    comment = f" # {draw(_TEXTS)}" if draw(st.booleans()) else ""
    others = {f"k{number}": json.dumps(draw(_TEXTS), ensure_ascii=False) for number in range(draw(st.integers(0, 3)))}
    model = draw(_written(draw(_IDS)))
    fields = draw(st.permutations([*others, "provider", "id"]))
    values = {**others, "provider": draw(_written("öpen")), "id": "\0"}
    if draw(st.booleans()):
        body = "model: {" + ", ".join(f"{key}: {values[key]}" for key in fields) + "}" + comment
    else:
        body = "model:" + comment + end + end.join(f"  {key}: {values[key]}{comment}" for key in fields)
    top = [f"description: {json.dumps(draw(_TEXTS), ensure_ascii=False)}{comment}", body, "messages: []"]
    text = end.join(draw(st.permutations(top))) + draw(st.sampled_from(["", end]))
    start, _, rest = (draw(st.sampled_from(["", "\ufeff"])) + text).partition("\0")
    return start, model, rest


@given(_files(), _IDS)
def test_in_any_file_all_bytes_around_the_id_stay_and_its_value_is_the_new_one(file: tuple[str, str, str], model: str) -> None:
    start, old, rest = file
    before = parse((start + old + rest).encode(), "x").value
    result = edit_pin((start + old + rest).encode(), "x", model=model).data
    assert result.startswith(start.encode())
    assert result.endswith(rest.encode())
    assert {**before, "model": {**before["model"], "id": model}} == parse(result, "x").value
    written = result[len(start.encode()) : len(result) - len(rest.encode())].decode()
    assert model == parse(f"[{written}]".encode(), "x").value[0]
