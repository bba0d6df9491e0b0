"""Rendering: what the model gets, errors that name the place, and bounds that no template can break."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmops_git.configs.template import TemplateError, render_messages, render_query
from llmops_git.configs.template_budget import MAX_CHARACTERS, MAX_STEPS

INPUTS = {
    "message": "hello",
    "items": [3, 1, 2],
    "person": {"name": "Ada", "tags": ["x", "y"]},
    "empty": "",
    "rows": [[1, 2], [3, 4]],
}
SECONDS = 1.0  # on a busy machine; idle, the slowest takes a tenth


def render(template: str, inputs: dict[str, Any] | None = None, partials: dict[str, str] | None = None) -> str:
    resolved = {"messages": [{"role": "user", "template": template}], "templates": partials or {}}
    [message] = render_messages(resolved, INPUTS if inputs is None else inputs)
    assert message["role"] == "user"
    return message["content"]


def error(template: str, inputs: dict[str, Any] | None = None, partials: dict[str, str] | None = None) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render(template, inputs, partials)
    return caught.value


@pytest.mark.parametrize(
    "template",
    [
        "plain",
        "{{ message }}\n",
        "{{ message | upper }}, {{ person.name }} {{ person['tags'][0] }}",
        "{% for i in items %}{{ loop.index }}/{{ loop.length }}:{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
        "{% for i in items if i > 1 %}{{ i }}{{ loop.cycle('a', 'b') }}{% else %}none{% endfor %}",
        "{% for k, v in person.items() %}{{ k }}={{ v }};{% endfor %}",
        "{% for a, b in rows %}{{ a }}-{{ b }} {% endfor %}",
        "{{ items | sort | join(', ') }} {{ items | sum }} {{ items | max }} {{ items|map('string')|join }}",
        "{{ rows | map('first') | list }} {{ items | select('odd') | list }} {{ items | reject('gt', 1) | list }}",
        "{{ [person] | map(attribute='name') | join(' ') }} {{ [person] | selectattr('name', 'eq', 'Ada') | list | length }}",
        "{{ empty | default('nothing', true) }} {{ nope | default('x') }} {{ nope is defined }} {{ message is defined }}",
        "{% set x = message ~ '!' ~ 1 %}{{ x }} {{ x[1:3] }} {{ items[::-1] }} {{ x | length }}",
        "{% set ns = namespace(n=0) %}{% for i in items %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
        "{% macro m(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{% macro n() %}<{{ caller() }}>{% endmacro %}{% call n() %}in{% endcall %}",
        "{% filter upper %}{{ message }} x{% endfilter %}{% with y = 2 %}{{ y * 3 }}{% endwith %}",
        "{% set block %}a{{ message }}{% endset %}{{ block | trim | replace('a', 'b') | title }}",
        "{{ message.split('l') }} {{ message.replace('l', 'L') }} {{ ' x '.strip() }} {{ '-'.join(['a', 'b']) }}",
        "{{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 10 }} {{ 7 / 2 }} {{ -items[0] }} {{ 1.5 | round }} {{ 'ab' * 3 }} {{ [1] * 2 }}",
        "{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent('> ', blank=true) }}",
        "{{ 1 in items }} {{ 'ell' in message }} {{ 'a' == 'a' }} {{ items == [3, 1, 2] }} {{ none is none }} {{ 1 < 2 < 3 }}",
        "{{ items | unique | list }} {{ items | reverse | list }} {{ 'abc' | reverse }} {{ rows | groupby(0) | length }}",
        "{{ {'b': 1, 'a': [1, none, true]} }} {{ dict(a=1).a }} {{ 'x' if message else 'y' }} {{ range(3) | list }}",
        "{% for i in range(2) recursive %}{{ i }}{% endfor %}{% raw %}{{ raw }}{% endraw %}{# gone #}",
        "{%- if message -%}  tight  {%- endif -%} \n x",
        "{{ 'a b  c' | wordcount }} {{ 'some long text' | truncate(8) }} {{ 'a' | e }}{{ '<&>' | escape }}",
        "{% set j = joiner(', ') %}{% for i in items %}{{ j() }}{{ i }}{% endfor %}{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}",
        "{% block a %}A{% endblock %}{{ self.a() }}",
    ],
)  # fmt: skip
def test_a_template_means_what_it_means_in_jinja(template: str) -> None:
    stock = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    assert stock.from_string(template).render(**INPUTS) == render(template)


def test_tojson_writes_json_and_no_html() -> None:
    assert render("{{ value | tojson }}", {"value": {"b": "<é>", "a": [1]}}) == '{"a": [1], "b": "<é>"}'
    assert render("{{ value | tojson(2) }}", {"value": [1]}) == "[\n  1\n]"


def test_templates_see_inputs_by_name_all_of_them_as_input_and_documents() -> None:
    resolved = {
        "messages": [
            {"role": "system", "template": "{% for d in documents %}{{ d.id }}:{{ d.text }} {% endfor %}"},
            {"role": "user", "template": "{{ input.message }} {{ message }} {{ input | length }}"},
        ]
    }
    messages = render_messages(resolved, {"message": "hi"}, [{"id": "1", "text": "one"}, {"id": "2", "text": "two"}])
    assert messages == ({"role": "system", "content": "1:one 2:two "}, {"role": "user", "content": "hi hi 1"})


def test_a_query_renders_like_a_message() -> None:
    resolved = {"retrieval": {"query": "find {% include 'p' %}"}, "templates": {"p": "{{ message }}"}}
    assert render_query(resolved, {"message": "it"}) == "find it"
    with pytest.raises(TemplateError, match=r"retrieval\.query, line 1: 'mesage' is undefined"):
        render_query({"retrieval": {"query": "{{ mesage }}"}}, {"message": "it"})


def test_includes_come_from_the_resolved_config_only() -> None:
    partials = {"a": "{% macro m() %}M{% endmacro %}{{ message }}", "base": "<{% block x %}{% endblock %}>"}
    assert render(
        "{% include 'a' %} {% from 'a' import m %}{{ m() }}", partials=partials | {"a": "{% macro m() %}M{% endmacro %}"}
    )
    assert render("{% extends 'base' %}{% block x %}in{% endblock %}", partials=partials) == "<in>"
    assert render("{% include 'gone' ignore missing %}x", partials=partials) == "x"
    assert "`../secret` is not part of the config" in error("{% include '../secret' %}").message
    assert "line 1" in error("{% import '/proc/self/environ' as x %}").message


def test_the_same_name_can_mean_another_text_in_another_config() -> None:
    assert render("{% include 'p' %}", partials={"p": "one"}) == "one"
    assert render("{% include 'p' %}", partials={"p": "two"}) == "two"


def test_errors_name_the_message_the_line_and_what_was_meant() -> None:
    found = error("a\nb\n{{ mesage }}")
    assert found.message == "messages[0] (user), line 3: 'mesage' is undefined in `{{ mesage }}`"
    assert (found.hint, found.line, found.where) == ("did you mean `message`?", 3, "messages[0] (user)")
    assert error("{{ zzz }}", {"a": 1}).hint == "the inputs are: a"
    assert "no attribute 'nam'" in error("{{ person.nam }}").message
    assert "line 2" in error("\n{% include 'p' %}", partials={"p": "1\n{{ nope }}"}).message
    assert "unexpected" in error("{{ }").message
    assert "division by zero" in error("{{ 1 / 0 }}").message


BOMBS = {
    "repeated text": "{{ 'a' * 500000000 }}",
    "repeated text, assigned": "{% set x = 500000000 * 'a' %}",
    "repeated list": "{{ [1] * 500000000 }}",
    "power": "{{ 9 ** (9 ** 7) }}",
    "power of powers": "{% set ns = namespace(x=9) %}{% for i in range(60) %}{% set ns.x = ns.x ** 9 %}{% endfor %}",
    "growing number": "{% set ns = namespace(x=9) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "loop that filters": "{% for a in range(99999) if false %}{% endfor %}" * 2,
    "loop over text": "{% for a in 'a' * 9000000 %}{% endfor %}",
    "large range": "{{ range(10 ** 12) | list }}",
    "search in a range": "{{ 1.5 in range(10 ** 12) }}",
    "formatted text": "{{ '%500000000d' % 1 }}",
    "format method": "{{ '{:500000000d}'.format(1) }}",
    "format filter": "{{ '%500000000d' | format(1) }}",
    "center": "{{ 'a' | center(500000000) }}",
    "center method": "{{ 'a'.center(500000000) }}",
    "zfill": "{{ 'a'.zfill(500000000) }}",
    "tabs": "{{ '\\t'.expandtabs(500000000) }}",
    "indent": "{{ 'a' | indent(500000000) }}",
    "indent by text": "{{ ('\\n' * 9000) | indent('a' * 9000) }}",
    "json indent": "{{ [1] | tojson(500000000) }}",
    "round": "{{ 5 | round(-1000000000) }}",
    "doubling by ~": "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "doubling by +": "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "doubling by set": "{% set x %}"
    * 0
    + "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set y %}{{ ns.x }}{{ ns.x }}"
    "{% endset %}{% set ns.x = y %}{% endfor %}",
    "doubling by join": "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] | join %}{% endfor %}",
    "doubling by replace": "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', 'aa') %}{% endfor %}",
    "shared lists": "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "shared tuples": "{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ ns.x == ns.x }}",
    "shared dicts": "{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = dict(a=ns.x, b=ns.x) %}{% endfor %}{{ ns.x }}",
    "shared through namespaces": "{% set a = namespace() %}{% set a.x = [a, a] %}{{ a }}",
    "quadratic replace": "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "quadratic strip": "{{ (' ' * 900000).strip('b' * 900000 ~ ' ') }}",
    "quadratic sum": "{{ [[1, 2]] | sum(start=[]) }}",
    "long comparison, often": "{% set x = 'a' * 3000000 %}{% for i in range(90000) %}{% if x == x[1:] %}{% endif %}{% endfor %}",
    "long search, often": "{% set x = 'a' * 3000000 %}{% for i in range(90000) %}{% if 'b' in x %}{% endif %}{% endfor %}",
    "long copy, often": "{% set x = 'a' * 3000000 %}{% for i in range(90000) %}{% set y = x | upper %}{% endfor %}",
    "long test, often": "{% set x = 'a' * 3000000 %}{% for i in range(90000) %}{% if x is upper %}{% endif %}{% endfor %}",
    "long output, often": "{% set x = 'a' * 30000 %}{% for i in range(90000) %}{{ x }}{% endfor %}",
    "long fixed text, often": "{% for i in range(90000) %}" + "0123456789" * 100 + "{% endfor %}",
    "many words": "{{ ('a ' * 3000000).split() | length }}",
    "many lines": "{{ ('\\n' * 3000000).splitlines() | length }}",
    "many letters": "{{ ('a' * 3000000) | list | length }}",
    "recursive macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "branching macro": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(35) }}",
    "recursive loop": "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "recursive block": "{% block a %}{{ self.a() }}{% endblock %}",
    "many includes": "{% for i in range(60000) %}{% include 'p' %}{% endfor %}",
    "bytes of a number": "{{ (5).to_bytes(500000000) }}",
    "filler words": "{{ lipsum(n=1000000) }}",
}


@pytest.mark.parametrize("template", BOMBS.values(), ids=BOMBS.keys())
def test_no_template_uses_much_time_or_space(template: str) -> None:
    began = time.process_time()
    found = error(template, {}, {"p": "{{ 1 }}"})
    assert time.process_time() - began < SECONDS
    assert found.reason


def test_partials_that_double_each_other_are_stopped() -> None:
    partials = {f"p{n}": f"{{% include 'p{n + 1}' %}}{{% include 'p{n + 1}' %}}" for n in range(30)} | {"p30": "x"}
    began = time.process_time()
    assert f"{MAX_STEPS:,} steps" in error("{% include 'p0' %}", {}, partials).message
    assert time.process_time() - began < SECONDS


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ (1).real.__class__.__mro__ }}",
    "{% set x = items.append(1) %}",
    "{{ person.update({'a': 1}) }}",
    "{{ range.__subclasses__() }}",
    "{{ namespace.__init__ }}",
    "{{ 'a'.encode() }}",
    "{{ '{0.__class__}'.format_map({}) }}",
    "{{ m._Macro__environment }}{% macro m() %}{% endmacro %}",
    "{{ context }}",
    "{{ environment }}",
    "{{ [1]|map(attribute='__class__')|list }}",
    "{{ [person.nope] }}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_no_template_reaches_python(template: str) -> None:
    before = repr(INPUTS)
    assert error(template).reason
    assert before == repr(INPUTS)


def test_documents_of_a_usual_size_fit() -> None:
    resolved = {
        "messages": [
            {"role": "user", "template": "{% for d in documents %}{{ loop.index }}. {{ d.text | trim }}\n{% endfor %}"}
        ]
    }
    documents = [{"id": str(n), "text": "word " * 4000} for n in range(50)]
    [message] = render_messages(resolved, {}, documents)
    assert len(message["content"]) > 900_000
    assert len(message["content"]) < MAX_CHARACTERS


def test_one_budget_is_one_render() -> None:
    for _ in range(5):
        assert len(render("{% for i in range(40000) %}x{% endfor %}")) == 40_000


def test_threads_do_not_share_budgets_or_partials() -> None:
    results: dict[int, str] = {}

    def work(number: int) -> None:
        for _ in range(20):
            results[number] = render("{% for i in range(2000) %}{% include 'p' %}{% endfor %}", {}, {"p": str(number)})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: str(number) * 2000 for number in range(4)} == results


@pytest.mark.parametrize(
    "template",
    [
        "{{ x" + "~x" * 500_000 + " }}",
        "{{x}}" * 200_000,
        "{##}" * 200_000,
        "".join(f"{{% block b{n} %}}{{% endblock %}}" for n in range(20_000)),
        "{{ " + "(" * 100_000,
        "{{ " + "[" * 3000 + "]" * 3000 + " }}",
        "{{ x" + ".x" * 4000 + " }}",
        "{% if x %}" * 800 + "{% endif %}" * 800,
        "{% for a in x %}" * 50 + "{% endfor %}" * 50,
        "{{ " + "9" * 100_000 + " }}",
    ],
    ids=["terms", "outputs", "comments", "blocks", "brackets", "lists", "dots", "ifs", "fors", "digits"],
)
def test_no_template_takes_long_to_compile(template: str) -> None:
    began = time.process_time()
    assert error(template, {"x": "a"}).reason
    assert time.process_time() - began < SECONDS
