"""The canonical form of a template says the same, and no more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_git.configs.template import TemplateError, render_messages
from llmops_git.configs.template_source import TemplateSourceError, canonical_source, includes_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain {text} 100%", "plain {text} 100%"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("Hello {# a comment #}{{name}}!", "Hello {{ name }}!"),
        ("{%- for a in b -%}  x  {%endfor%}\n", "{% for a in b %}x  {% endfor %}\n"),
        ("  {{- a -}}  b", "{{ a }}b"),
        ("{{ a . b[ 0 ]|join( ', ' ) }}", "{{ a.b[0] | join(', ') }}"),
        ("{{ -1+-2 }}{{ x-1 }}", "{{ -1 + -2 }}{{ x - 1 }}"),
        ("{{ {'a':{'b':1}}['a'] }}", "{{ {'a': {'b': 1}}['a'] }}"),
        ("{{ f (x) if(y)else[ 1 ] }}", "{{ f(x) if (y) else [1] }}"),
        ("{% raw %}{{ x }}{% endraw %}", "{% raw %}{{ x }}{% endraw %}"),
        ("{% raw -%}  plain{% endraw %} text", "plain text"),
        ("{ {#- c #}{ x }}", "{% raw %}{{ x }}{% endraw %}"),
        ("{ {#- c -#} {{ x }}", "{% raw %}{{% endraw %}{{ x }}"),
        ("{{ 'it''s  {{ kept }}' }}", "{{ 'it' 's  {{ kept }}' }}"),
    ],
)
def test_how_a_template_is_typed_does_not_matter(text: str, expected: str) -> None:
    assert canonical_source(text, {}) == expected
    assert canonical_source(expected, {}) == expected


def test_included_names_are_replaced_and_kept_apart_from_other_strings() -> None:
    text = "{% include 'a.j2' ignore missing %}{%from \"b.j2\" import m%}{{ 'a.j2' }}{% include 'c.j2' without context %}"
    expected = "{% include \"1\" ignore missing %}{% from \"2\" import m %}{{ 'a.j2' }}{% include 'c.j2' without context %}"
    assert canonical_source(text, {"a.j2": "1", "b.j2": "2"}) == expected
    assert includes_of(text) == [("a.j2", 1), ("b.j2", 1), ("c.j2", 1)]


def test_a_name_is_the_text_of_its_literal() -> None:
    assert includes_of("\n{% include 'it\\'s \\x41.j2' %}") == [("it's A.j2", 2)]
    assert includes_of("{# {% include 'no' %} #}{% raw %}{% include 'no' %}{% endraw %}") == []


@pytest.mark.parametrize(
    "include",
    ["include name", "include 'a' ~ 'b'", "include ['a', 'b']", "include 'a' if x else 'b'", "extends base", "import x as y",
     "from x import y", "include", "include 'a' 'b'", "include ('a')"],
)  # fmt: skip
def test_only_static_includes_are_allowed(include: str) -> None:
    with pytest.raises(TemplateSourceError, match="only static includes") as caught:
        canonical_source(f"a\n{{% {include} %}}", {})
    assert caught.value.line == 2


@pytest.mark.parametrize("text", ["a\n{{ x", "a\n{% if", "a\n{# x", "a\n{{ 'x }}", "a\n{{ ? }}", "a\n{{ ) }}"])
def test_what_is_no_template_has_no_canonical_form(text: str) -> None:
    with pytest.raises(TemplateSourceError, match="not a valid template") as caught:
        canonical_source(text, {})
    assert caught.value.line == 2


PIECES = st.sampled_from(
    ["{", "{{", "}}", "{%", "%}", "{#", "#}", "-", " ", "\n", "\r\n", "%", "#", "x", "a", "é", "endraw %}", "{{ x }}", "{{- x -}}",
     "{%- if x -%}", "{% if y %}", "{% endif %}", "{%- endif %}", "{% else %}", "{# c #}", "{#- c -#}", "{% raw %}", "{% raw -%}",
     "{% endraw %}", "{%- endraw -%}", "{% for i in [1,2] %}", "{% endfor %}", "{{ -1+2 }}", "{{ 'a' ~ x }}", "{{ x [0] }}",
     "{{ [1 , 2]|join( '-' ) }}", "{{ {'a':{'b':1}}['a'].b }}", "{% set z = 1 -%}", "{{ x if y else 2 }}", "{{ x|upper|e }}",
     "{{ x is defined and not y }}", "{{ 1.5*2 }}", "{{ [1,2][0:1] }}", '{{ "a\\"b" }}', "{% set q %}w{% endset %}",
     "{% filter upper %}", "{% endfilter %}"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=9).map("".join))
@settings(max_examples=400)
def test_the_canonical_form_renders_like_the_original(text: str) -> None:
    def rendered(template: str) -> str:
        resolved = {"messages": [{"role": "user", "template": template}]}
        return render_messages(resolved, {"x": "abc", "y": False})[0]["content"]

    try:
        expected = rendered(text)
    except TemplateError:
        return
    canonical = canonical_source(text, {})
    assert rendered(canonical) == expected
    assert canonical_source(canonical, {}) == canonical
