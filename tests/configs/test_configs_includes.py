"""What a template includes."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import meta

from llmops_git.configs.includes import Include, find_includes, scan_includes

CERTAIN = [
    ("no tags at all", []),
    ('{% include "a.j2" %}', ["a.j2"]),
    ("{%- include 'a.j2' ignore missing -%}", ["a.j2"]),
    ('x\n{% from "m.j2" import one %}{% import "n.j2" as n %}', ["m.j2", "n.j2"]),
    ('{% extends "base.j2" %}', ["base.j2"]),
    ('{# {% include "a.j2" %} #}{% include "b.j2" with context %}', ["b.j2"]),
    ('{{ "{% include \'a.j2\' %}" }}{% include "b.j2" %}', ["b.j2"]),
    ('{% if x == "%}" %}{% include "b.j2" %}{% endif %}', ["b.j2"]),
    ("{% set include = 1 %}{% include 'a' %}", ["a"]),
]

UNCERTAIN = [
    ("{% raw %}{% include 'a.j2' %}{% endraw %}", []),
    ("{% include 'a\\x2ej2' %}", ["a.j2"]),
    ("{{ {'a': {}} }}{% include 'a.j2' %}", ["a.j2"]),
    ("{%include'a.j2'%}", ["a.j2"]),
]


@pytest.mark.parametrize(("text", "names"), CERTAIN)
def test_a_plain_include_is_found_by_the_scan_alone(text: str, names: list[str]) -> None:
    scanned = scan_includes(text)
    assert scanned is not None
    assert names == [item.name for item in scanned]


@pytest.mark.parametrize(("text", "names"), UNCERTAIN)
def test_a_strange_include_is_left_to_jinja(text: str, names: list[str]) -> None:
    assert scan_includes(text) is None
    found, dynamic = find_includes(text)
    assert (names, ()) == ([item.name for item in found], dynamic)


@pytest.mark.parametrize(
    "tag",
    [
        "{% include name %}",
        "{% include 'a' if x else 'b' %}",
        "{% include 'a' ~ x %}",
        "{% include ['a', 'b'] %}",
        "{% include 'a' 'b' %}",
    ],
)
def test_a_computed_name_is_a_problem_with_its_line(tag: str) -> None:
    found, (problem,) = find_includes(f"one\n{tag}")
    assert ((), 2) == (found, problem.line)
    assert "only static includes" in problem.message


def test_a_template_that_jinja_cannot_read_is_a_problem_with_its_line() -> None:
    _, (problem,) = find_includes("a\nb\n{% include %}")
    assert 3 == problem.line
    assert "not a valid template" in problem.message


def test_includes_know_their_line_and_whether_they_may_name_nothing() -> None:
    text = "one\n{% include 'a' %}\n\n{% include 'b' ignore missing %}"
    expected = (Include("a", 2), Include("b", 4, True))
    assert expected == find_includes(text)[0]


_PIECES = st.lists(
    st.sampled_from(
        [
            "{% include 'a' %}", '{%- include "b" ignore missing %}', "{{ x }}", '{{ "{%" }}', "{{ '}}' }}", "{# ", " #}", "{% raw %}",
            "{% endraw %}", "text", "{% if a %}", "{% endif %}", "{% set d = {'a': 1} %}", "{{ {'k': v} }}", "{%", "%}", "{{", "}}", "'", '"',
            "{% include x %}", "{% import 'c' as c %}", "{% from 'd' import e %}", "\\", "{% include 'a' 'e' %}", "\n", "{% include 'a' if y %}",
        ]
    ),
    max_size=8,
)  # fmt: skip


@given(pieces=_PIECES)
def test_the_scan_never_disagrees_with_jinja(pieces: list[str]) -> None:
    text = "".join(pieces)
    scanned = scan_includes(text)
    if scanned is None:
        return
    try:
        tree = jinja2.Environment(autoescape=True).parse(text)
    except jinja2.TemplateSyntaxError:
        return
    assert sorted(item.name for item in scanned) == sorted(name or "" for name in meta.find_referenced_templates(tree))
