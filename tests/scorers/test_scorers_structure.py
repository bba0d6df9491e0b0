"""JSON, XML and SQL: what counts as well-formed, what is refused, what is never loaded or run."""

from __future__ import annotations

import pytest
from scorer_samples import outcome, scored

from llmops_git.errors import LlmopsError

BOMB = (
    '<!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
    + "]><a>&l19;</a>"
)
QUADRATIC = '<!DOCTYPE a [<!ENTITY b "' + "x" * 50_000 + '">]><a>' + "&b;" * 50_000 + "</a>"
ATTRIBUTES = '<!DOCTYPE a [<!ATTLIST a x CDATA "' + "x" * 50_000 + '">]><a/>'


@pytest.mark.parametrize("output", ["{}", "[1]", '"text"', "1.5", "null", " {} "])
def test_json_is_valid(output):
    assert outcome("json_valid", output) == (1, "pass")


@pytest.mark.parametrize("output", ["{'a': 1}", "{a: 1}", "[1,]", "NaN", "[Infinity]", "{} {}", "Here: {}", "// x\n{}", "tru"])
def test_json_is_not_valid(output):
    assert outcome("json_valid", output) == (0, "fail")


def test_a_fence_is_allowed_where_the_config_says_so():
    fenced = "```json\n{}\n```"
    assert scored("json_valid", fenced).explanation == "the JSON stands in a code fence"
    assert outcome("json_valid", fenced, fenced=True) == (1, "pass")
    assert scored("xml", "```xml\n<a/>\n```").explanation == "the XML stands in a code fence"
    assert outcome("xml", "```xml\n<a/>\n```", fenced=True) == (1, "pass")
    assert scored("sql", "```sql\nSELECT 1\n```").explanation == "the SQL stands in a code fence"
    assert outcome("sql", "```sql\nSELECT 1\n```", fenced=True) == (1, "pass")


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("object", "{}"), ("array", "[]"), ("string", '""'), ("number", "1.5"), ("integer", "1.0"), ("integer", "1"),
        ("boolean", "false"), ("null", "null"),
    ],
)  # fmt: skip
def test_types_are_those_of_json(kind, output):
    assert outcome("json_valid", output, type=kind) == (1, "pass")
    assert outcome("json_field", f'{{"a": {output}}}', field="a", type=kind) == (1, "pass")
    others = {"object": "[]", "array": "{}", "string": "1", "number": "true", "integer": "1.5", "boolean": "1", "null": "0"}
    assert outcome("json_field", f'{{"a": {others[kind]}}}', field="a", type=kind) == (0, "fail")


def test_a_field_is_there_also_where_it_is_null():
    assert outcome("json_field", '{"a": null}', field="a", exists=True) == (1, "pass")
    assert outcome("json_field", "{}", field="a", exists=True) == (0, "fail")
    assert outcome("json_field", '{"a": null}', field="a", equals=None) == (1, "pass")
    assert outcome("json_field", "{}", field="a", equals=None) == (0, "fail")


def test_a_field_that_must_not_be_there_needs_an_output_that_is_json():
    assert outcome("json_field", '{"b": 1}', field="a", exists=False) == (1, "pass")
    assert outcome("json_field", '{"a": 1}', field="a", exists=False) == (0, "fail")
    assert outcome("json_field", "no JSON", field="a", exists=False) == (0, "fail")


def test_without_a_condition_the_field_equals_what_the_case_expects():
    assert outcome("json_field", '{"a": 1}', {"a": 1.0}, field="a") == (1, "pass")
    assert outcome("json_field", '{"a": 1}', {"a": True}, field="a") == (0, "fail")
    assert outcome("json_field", '{"a": 1}', None, field="a") == ("not_applicable", "")


def test_a_pattern_of_a_field_runs_with_a_time_limit():
    assert outcome("json_field", '{"a": "A-77"}', field="a", matches=r"^A-\d+$") == (1, "pass")
    slow = '{"a": "' + "a" * 40 + '!"}'
    assert outcome("json_field", slow, field="a", matches="^(a|aa)+$") == ("not_measured", "timeout")
    with pytest.raises(LlmopsError, match="does not compile"):
        scored("json_field", "{}", field="a", matches="(")


@pytest.mark.parametrize(
    "bomb", [BOMB, QUADRATIC, ATTRIBUTES, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>']
)
def test_xml_that_declares_its_own_growth_is_refused_at_once(bomb):
    assert outcome("xml", bomb) == (0, "unsafe")


def test_nothing_outside_of_the_xml_is_loaded(tmp_path):
    secret = tmp_path / "secret.dtd"
    secret.write_text('<!ENTITY secret "leaked">')
    score = scored("xml", f'<!DOCTYPE a SYSTEM "{secret.as_uri()}"><a><b>&secret;</b></a>', element="a/b")
    assert (score.value, "leaked" in score.explanation) == (1, False)


@pytest.mark.parametrize(
    ("element", "found"),
    [("b", 1), ("a/b", 1), ("/a/b", 1), ("/b", 0), ("b/c", 0), ("c", 1), ("a/c", 0), ("r/a", 0), ("ns:c", 0)],
)
def test_an_element_is_found_by_its_path(element, found):
    assert outcome("xml", '<a xmlns:n="urn:n"><b/><n:d><n:c/></n:d></a>', element=element)[0] == found


@pytest.mark.parametrize(
    "output", ["<a>", "text", "<a/><b/>", "<a b=c/>", "<n:a/>", "<a>&nbsp;</a>", "<a>\x01</a>", "<a>\ud800</a>"]
)
def test_xml_that_is_not_well_formed_fails(output):
    assert outcome("xml", output) == (0, "fail")


def test_an_xml_declaration_may_name_any_encoding():
    assert outcome("xml", '\n<?xml version="1.0" encoding="utf-16"?><a>\u00e9</a>') == (1, "pass")


READS = ["SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 1 UNION SELECT 2", "(SELECT 1)", "VALUES (1)"]
WRITES = [
    "INSERT INTO a VALUES (1)", "UPDATE a SET b = 1", "DELETE FROM a", "DROP TABLE a", "CREATE TABLE a (b INT)",
    "WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", "SELECT * INTO a FROM b", "SELECT * FROM a FOR UPDATE",
    "TRUNCATE TABLE a", "ALTER TABLE a ADD COLUMN b INT", "GRANT ALL ON a TO b", "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE",
]  # fmt: skip


@pytest.mark.parametrize("output", READS)
def test_a_query_reads(output):
    assert outcome("sql", output, read_only=True, dialect="postgres") == (1, "pass")


@pytest.mark.parametrize("output", WRITES)
def test_a_statement_that_writes_is_sql_and_not_read_only(output):
    assert outcome("sql", output, dialect="postgres") == (1, "pass")
    assert outcome("sql", output, dialect="postgres", read_only=True) == (0, "fail")


@pytest.mark.parametrize(
    "output", ["Hello world", "I cannot help", "SELECT FROM WHERE", "-- nothing", "42", "name", "SELECT 'open"]
)
def test_words_are_no_sql(output):
    assert outcome("sql", output) == (0, "fail")


def test_one_statement_is_asked_for_unless_more_are_allowed():
    assert outcome("sql", "SELECT 1; DROP TABLE a") == (0, "several statements")
    assert outcome("sql", "SELECT 1; SELECT 2;", statements=2) == (1, "pass")


def test_a_dialect_is_held_to():
    assert outcome("sql", "SELECT TOP 5 a FROM b", dialect="tsql") == (1, "pass")
    with pytest.raises(LlmopsError, match="there is no SQL dialect `postgress`") as caught:
        scored("sql", "SELECT 1", dialect="postgress")
    assert "postgres" in caught.value.hint


def test_what_the_parser_does_not_know_is_not_written_to_the_terminal(capfd):
    assert outcome("sql", "EXPLAIN \x1b[31m SELECT 1")[0] == 0
    assert capfd.readouterr() == ("", "")
