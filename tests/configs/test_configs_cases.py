"""Eval sets: three formats, one meaning, and every problem with its line."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llmops_git.configs.cases import MAX_PROBLEMS, parse_cases, read_cases
from llmops_git.configs.schema import load_schema
from llmops_git.configs.values import Case

FULL = Case(
    id="c1",
    inputs={"message": 'Hello, "you"\nthere', "n": "1"},
    expected="billing",
    tags=("a", "b"),
    must_pass=True,
    documents=({"id": "d", "text": "some text"},),
    cluster="k",
    source={"trace_id": "t"},
    observed="hm",
)
LIVE = ["needs_label", "source", "observed"]  # what is only in cases that were mined


def test_the_three_formats_mean_the_same() -> None:
    row = {"id": "c1", "inputs": dict(FULL.inputs), "expected": "billing", "tags": ["a", "b"], "must_pass": True}
    row |= {"documents": [{"id": "d", "text": "some text"}], "cluster": "k", "needs_label": False}
    row |= {"source": {"trace_id": "t"}, "observed": "hm"}
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["id", "message", "input.n", "expected", "tags", "must_pass", "documents", "cluster", *LIVE])
    documents = '[{"id": "d", "text": "some text"}]'
    writer.writerow(
        ["c1", FULL.inputs["message"], "1", "billing", "a; b", "TRUE", documents, "k", "", '{"trace_id": "t"}', "hm"]
    )
    files = {"a.jsonl": json.dumps(row), "a.yaml": json.dumps([row]), "a.yml": json.dumps([row]), "a.csv": table.getvalue()}
    for path, text in files.items():
        assert parse_cases(path, text.encode()) == ([FULL], []), path


def test_what_is_left_out_has_defaults_and_an_id_made_of_the_inputs() -> None:
    cases, problems = parse_cases("a.jsonl", b'{"inputs": {"b": 1, "a": 2}}\n\n{"inputs": {"a": 3}}\n')
    again, _ = parse_cases("b.yaml", b"- inputs: {a: 2, b: 1}\n")
    assert problems == []
    assert cases[0] == again[0]
    assert (cases[0].expected, cases[0].tags, cases[0].must_pass, cases[0].documents, cases[0].cluster) == (
        None,
        (),
        False,
        None,
        "",
    )
    assert cases[0].id.startswith("case-")
    assert cases[0].id != cases[1].id


def test_numbers_can_be_ids_and_documents_are_numbered() -> None:
    [case], _ = parse_cases(
        "a.jsonl", b'{"id": 7, "inputs": {}, "cluster": 3, "documents": [{"text": "x"}, {"id": "y", "text": "z", "score": 1}]}'
    )
    assert (case.id, case.cluster) == ("7", "3")
    assert case.documents == ({"id": "1", "text": "x"}, {"id": "y", "text": "z", "score": 1})


@pytest.mark.parametrize(
    ("row", "message", "hint"),
    [
        ("[1]", "a row must be a mapping, not a list", ""),
        ("{}", "`inputs` is missing", "inputs"),
        ('{"input": {}}', "unknown key `input`", "did you mean `inputs`?"),
        ('{"inputs": {}, "message": 1}', "unknown key `message`", "inputs: {message: …}"),
        ('{"inputs": [1]}', "must be a mapping, not a list", ""),
        ('{"inputs": {}, "tags": "a"}', "must be a list of words", ""),
        ('{"inputs": {}, "tags": [1]}', "must be a list of words", ""),
        ('{"inputs": {}, "must_pass": 1}', "must be true or false, not `1`", ""),
        ('{"inputs": {}, "needs_label": "yes"}', "must be true or false, not `yes`", ""),
        ('{"inputs": {}, "needs_label": true, "expected": 1}', "the case has its label", "delete `needs_label`"),
        ('{"inputs": {}, "source": "t"}', "must be a mapping, not `t`", "trace_id"),
        ('{"inputs": {}, "observed": {}}', "must be text, not a mapping", ""),
        ('{"inputs": {}, "id": true}', "must be text of at most 200", ""),
        ('{"inputs": {}, "id": ""}', "must be text of at most 200", ""),
        ('{"inputs": {}, "documents": {}}', "must be a list", ""),
        ('{"inputs": {}, "documents": ["x"]}', "must be a mapping", "text"),
        ('{"inputs": {}, "documents": [{"id": "a"}]}', "`text` is missing", ""),
        ('{"inputs": {}, "documents": [{"text": "a", "id": 1}]}', "`id` must be text", ""),
        ('{"inputs": {}, "documents": [{"text": "a", "score": "x"}]}', "`score` must be a number", ""),
        ('{"inputs": {},}', "not valid JSON", ""),
        ('{"inputs": {"a": NaN}}', "not valid JSON: NaN", ""),
        ('{"inputs": {"a": 1, "a": 2}}', "`a` is there twice", ""),
        ('{"inputs": {"a": 9007199254740993}}', "not exact", ""),
        ('{"inputs": {"a": "\\ud800"}}', "surrogate", ""),
        ('{"inputs": {}', "not valid JSON", ""),
        ("[" * 100_000, "levels deep", ""),
    ],
)
def test_a_bad_row_is_left_out_and_has_its_line(row: str, message: str, hint: str) -> None:
    cases, problems = parse_cases("a.jsonl", f'{{"inputs": {{"x": 1}}}}\n{row}\n{{"inputs": {{"x": 2}}}}\n'.encode())
    assert [case.inputs for case in cases] == [{"x": 1}, {"x": 2}]
    assert {problem.line for problem in problems} == {2}
    assert any(message in problem.message and hint in problem.hint for problem in problems)


def test_an_id_can_be_there_once_only() -> None:
    cases, [problem] = parse_cases(
        "a.jsonl", b'{"id": "a", "inputs": {}}\n{"id": "b", "inputs": {}}\n{"id": "a", "inputs": {"x": 1}}\n'
    )
    assert len(cases) == 3
    assert (problem.line, problem.message) == (3, "the id `a` is taken by line 1")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a,b\n1\n", 2, "1 cells, and the header has 2"),
        ("a,must_pass\n1,maybe\n", 2, "must be true or false, not `maybe`"),
        ("a,\n1,2\n", 1, "column 2 has no name"),
        ("a,input.a\n1,2\n", 1, "the column `input.a` is there twice"),
        ("a,documents\n1,[\n", 2, "not valid JSON"),
        ('a,b\n"x\ny",1\n1,2,3\n', 4, "3 cells, and the header has 2"),
        ('a,b\n"x"y,1\n', 2, "not valid CSV"),
    ],
)
def test_a_table_says_which_line_is_wrong(text: str, line: int, message: str) -> None:
    _, problems = parse_cases("a.csv", text.encode())
    assert [(problem.line, message in problem.message) for problem in problems] == [(line, True)]


def test_rows_of_a_table_begin_where_their_first_cell_does() -> None:
    file = read_cases("a.csv", b'x\n"a\nb"\nc\n')
    assert file.lines == (2, 4)


def test_a_yaml_eval_set_is_a_list() -> None:
    assert "a list of rows" in parse_cases("a.yaml", b"a: 1")[1][0].message
    file = read_cases("a.yaml", b"# rows\n- inputs: {a: no}\n-\n  inputs: {a: 2024-01-01}\n")
    assert [case.inputs for case in file.cases] == [{"a": "no"}, {"a": "2024-01-01"}]
    assert file.lines == (2, 4)


def test_other_formats_are_named_as_such() -> None:
    assert "is a .jsonl, .csv or .yaml file" in parse_cases("a.txt", b"")[1][0].message


def test_many_problems_are_counted_and_not_all_listed() -> None:
    _, problems = parse_cases("a.jsonl", b"[]\n" * 500)
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].message == "and 400 more problems in this file"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(["a.jsonl", "a.csv", "a.yaml"]))
def test_any_bytes_give_cases_or_problems(data: bytes, path: str) -> None:
    cases, problems = parse_cases(path, data)
    assert all(isinstance(case, Case) for case in cases)
    assert all(problem.message for problem in problems)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "x"])
    | st.lists(st.sampled_from(["", "x", 1]), max_size=2)
)
ROWS = (
    st.dictionaries(
        st.sampled_from(["id", "inputs", "expected", "tags", "must_pass", "documents", "cluster", "other", *LIVE]),
        VALUES
        | st.dictionaries(st.sampled_from(["text", "id", "score"]), VALUES, max_size=2).map(lambda item: [item])
        | st.just({}),
        max_size=5,
    )
    | VALUES
)


@given(ROWS)
def test_the_published_schema_says_the_same_of_a_row(row: object) -> None:
    _, problems = parse_cases("a.jsonl", json.dumps(row).encode())
    valid = Draft202012Validator(load_schema("case")).is_valid(row)
    assert valid == (problems == []), problems


def test_reading_a_thousand_rows_takes_milliseconds() -> None:
    data = b"\n".join(
        json.dumps({"id": str(n), "inputs": {"message": "word " * 20}, "expected": "x"}).encode() for n in range(1000)
    )
    began = time.process_time()
    assert len(parse_cases("a.jsonl", data)[0]) == 1000
    assert time.process_time() - began < 1
