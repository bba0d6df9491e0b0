"""Files that cost more than they weigh: templates, YAML, patterns, schemas, eval sets. Both sides run with the same limits."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llmops_git.cli import run
from tests.attacks import naive as stand_in
from tests.attacks.stage import checkout, git, naive, product, put
from tests.small_project import FILES

ROUTER = "prompts/router.yaml"
SYSTEM = "prompts/router/system.j2"

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].environ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ (message|attr('__class__')) }}",
    "{{ message['__class__'] }}",
    "{{ '{0.__class__}'.format(message) }}",
    "{{ '%s' % message.__class__ }}",
    "{% set x = namespace() %}{{ x.__class__.__mro__ }}",
    "{% for x in [message]|map(attribute='__class__') %}{{ x }}{% endfor %}",
    "{{ dict.mro() }}",
    "{% from message import x %}",
]

BOMBS = [
    "{{ 'a' * 5000000000 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{{ '%500000000000d' % 1 }}",
    "{{ 'x'.center(5000000000) }}",
    "{{ 'x'.ljust(5000000000) }}",
    "{% set ns = namespace(x=['a']) %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x='a') %}{% for a in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ range(100000) | map('string') | join('a' * 1000000) }}",
    "{{ ('a' * 9000000).replace('', 'a' * 9000000) }}",
    "{{ [[1]*1000]*1000*1000 | tojson }}",
    "{{ 'a,' * 4000000 | list }}",
]


def config(**changes: str) -> dict[str, str | bytes]:
    """The router with some of its parts replaced."""
    text = FILES[ROUTER]
    for old, new in changes.items():
        text = re.sub(rf"(?m)^{old}:.*$", lambda _, new=new: new, text)  # type: ignore[misc]
    return {ROUTER: text}


@pytest.mark.parametrize("template", ESCAPES)
def test_a_template_gets_at_nothing_but_its_inputs(
    tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkout(tmp_path / "checkout", {SYSTEM: template}))
    codes = [run(["render", "router", "--case=a"]), run(["check"])]
    said = "".join(capsys.readouterr())
    assert ([2, 2], False) == (codes, "Traceback" in said), said
    assert not re.search(r"uid=|environ\(|<class|<module|site-packages", said)


def test_such_a_template_reaches_the_machine_with_plain_jinja(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    put(tmp_path, {"t.j2": "{{ cycler.__init__.__globals__.os.environ['OPENAI_API_KEY'] }}"})
    assert "sk-secret" == stand_in.render_file(str(tmp_path), "t.j2")


@pytest.mark.parametrize("template", BOMBS)
def test_a_template_cannot_take_all_time_or_memory(tmp_path: Path, template: str) -> None:
    done = product("check", cwd=checkout(tmp_path / "checkout", {SYSTEM: template}))
    assert (2, True) == (done.code, done.survived), done.out


@pytest.mark.parametrize("template", [BOMBS[0], BOMBS[2], BOMBS[4], BOMBS[6]])
def test_such_a_template_takes_all_of_plain_jinja(tmp_path: Path, template: str) -> None:
    put(tmp_path, {"t.j2": template})
    assert not naive("render_file", str(tmp_path), "t.j2", cwd=tmp_path, seconds=2).survived


def _aliases() -> str:
    """A small file that means a billion values."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(lines) + "\n"


def _merges() -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(lines) + "\n"


YAML = {"aliases": _aliases(), "merges": _merges(), "nesting": "a: " + "[" * 20_000 + "]" * 20_000 + "\n"}


@pytest.mark.parametrize("kind", sorted(YAML))
@pytest.mark.parametrize("place", [ROUTER, "llmops.yaml", "evals/router.yaml", "prices.yaml"])
def test_yaml_cannot_expand_without_bound(tmp_path: Path, kind: str, place: str) -> None:
    files: dict[str, str | bytes] = {place: YAML[kind]}
    if place.startswith("evals"):
        files |= {ROUTER: FILES[ROUTER].replace("router.jsonl", "router.yaml")}
    folder = checkout(tmp_path / "checkout", files)
    done = product("check", cwd=folder)
    assert (2, True) == (done.code, done.survived), done.out
    changed = product("diff", "HEAD~1", "HEAD", cwd=folder)
    assert (True, True) == (changed.survived, changed.code in (0, 2)), changed.out


@pytest.mark.parametrize("kind", sorted(YAML))
def test_such_yaml_takes_all_of_a_plain_loader(tmp_path: Path, kind: str) -> None:
    put(tmp_path, {"bomb.yaml": YAML[kind]})
    assert len(YAML[kind]) < 50_000
    assert not naive("load_yaml", "bomb.yaml", cwd=tmp_path, seconds=2, megabytes=512).survived


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['touch {0}']", "!!python/object/new:os.system ['touch {0}']", "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {0}']"]
)  # fmt: skip
@pytest.mark.parametrize("place", [ROUTER, "llmops.yaml", "evals/router.yaml"])
def test_a_tag_makes_no_object(tmp_path: Path, tag: str, place: str) -> None:
    marker = tmp_path / "ran"
    text = f"name: {tag.format(marker)}\n"
    put(tmp_path, {"naive.yaml": text})
    naive("load_any_yaml", "naive.yaml", cwd=tmp_path)
    assert marker.exists()
    marker.unlink()
    files: dict[str, str | bytes] = {place: text}
    if place.startswith("evals"):
        files |= {ROUTER: FILES[ROUTER].replace("router.jsonl", "router.yaml")}
    folder = checkout(tmp_path / "checkout", files)
    done = product("check", cwd=folder)
    assert (2, True, False) == (done.code, "a tag is not allowed" in done.out, marker.exists()), done.out


EVIL = r"^(a|aa)+$"
SLOW_INPUTS = {
    "pattern": '{type: object, required: [message], properties: {message: {type: string, pattern: "^(a|aa)+$"}}}',
    "denied pattern": '{type: object, required: [message], properties: {message: {not: {pattern: "^(a|aa)+$"}}}}',
    "counts": '{type: object, required: [message], properties: {message: {type: string, pattern: "((a{5000,}){5000,}){5000,}"}}}',
    "branches": "{type: object, required: [message], properties: {message: {$ref: '#/$defs/d0'}}, $defs: {"
    + ", ".join(f"d{n}: {{anyOf: [{{$ref: '#/$defs/d{n + 1}'}}, {{$ref: '#/$defs/d{n + 1}'}}]}}" for n in range(40))
    + ", d40: {type: integer}}}",
    "circle": "{type: object, required: [message], properties: {message: {$ref: '#/$defs/d'}}, $defs: {d: {$ref: '#/$defs/d'}}}",
}


@pytest.mark.parametrize("kind", sorted(SLOW_INPUTS))
def test_a_schema_of_inputs_cannot_hang(tmp_path: Path, kind: str) -> None:
    rows = "".join(json.dumps({"id": f"c{n}", "inputs": {"message": "a" * 60 + "!"}}) + "\n" for n in range(300))
    folder = checkout(tmp_path / "checkout", {**config(inputs=f"inputs: {SLOW_INPUTS[kind]}"), "evals/router.jsonl": rows})
    done = product("check", cwd=folder, seconds=40)
    assert (2, True) == (done.code, done.survived), done.out[-2000:]


def test_such_a_schema_hangs_a_plain_validator(tmp_path: Path) -> None:
    schema = json.dumps({"pattern": EVIL})
    assert not naive("validate", schema, json.dumps("a" * 60 + "!"), cwd=tmp_path, seconds=2).survived
    definitions = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)} | {"d40": {"type": "integer"}}
    branches = json.dumps({"$ref": "#/$defs/d0", "$defs": definitions})
    assert not naive("validate", branches, '"x"', cwd=tmp_path, seconds=2).survived


def test_such_a_pattern_takes_all_of_plain_re(tmp_path: Path) -> None:
    assert not naive("match", EVIL, "a" * 60 + "!", cwd=tmp_path, seconds=2).survived


@pytest.mark.parametrize(
    "scorer", ["{use: regex, pattern: '^(a|aa)+$'}", "{use: regex}", "{use: json_schema, schema: evil.schema.json}"]
)
def test_a_scorer_with_a_slow_pattern_ends(tmp_path: Path, scorer: str) -> None:
    from tests.chat_server import chat_server, text_answer

    answer = json.dumps("a" * 60 + "!") if "json" in scorer else "a" * 60 + "!"
    with chat_server(lambda *_: text_answer(answer)) as server:
        rows = "".join(json.dumps({"id": f"c{n}", "inputs": {"message": f"m{n}"}, "expected": EVIL}) + "\n" for n in range(10))
        text = (
            FILES[ROUTER].split("evaluation:")[0]
            + f"evaluation:\n  dataset: ../evals/router.jsonl\n  scorers: {{s: {scorer}}}\n"
        )
        folder = checkout(
            tmp_path / "checkout",
            {
                "llmops.yaml": f"version: 1\nproviders:\n  openai: {{api: openai, base_url: {server.url}, key_env: ''}}\n",
                ROUTER: text,
                "prompts/evil.schema.json": json.dumps(
                    {"type": "string", "not": {"pattern": EVIL}, "anyOf": [{"pattern": EVIL}]}
                ),
                "evals/router.jsonl": rows,
            },
        )
        put(folder, {SYSTEM: "Route it well."})
        done = product("eval", "router", "--base=HEAD", cwd=folder, seconds=30)
    assert (3, True, True) == (done.code, done.survived, "not measured" in done.out.lower()), done.out


def test_an_eval_set_of_ten_million_rows_is_refused_before_it_is_read(tmp_path: Path) -> None:
    row = b'{"inputs": {"message": "hi"}, "expected": "x"}\n'
    folder = checkout(tmp_path / "checkout")
    with (folder / "evals" / "router.jsonl").open("wb") as file:
        for _ in range(10):
            file.write(row * 1_000_000)
    assert not naive("read_cases", "evals/router.jsonl", cwd=folder, seconds=20).survived
    done = product("check", cwd=folder)
    assert (2, True) == (done.code, done.survived and "larger than" in done.out), done.out


def test_a_template_larger_than_memory_is_refused_and_not_read(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    megabytes = 256
    with (folder / SYSTEM).open("wb") as file:
        file.truncate(megabytes << 20)
    room = megabytes - 16
    assert not naive("render_file", str(folder / "prompts" / "router"), "system.j2", cwd=folder, megabytes=room).survived
    git(folder, "-c", "core.compression=1", "add", SYSTEM)  # a megabyte when it is pushed
    git(folder, "commit", "-q", "-m", "huge")
    for command in (("check",), ("check", "--ref", "HEAD"), ("diff", "HEAD~1", "HEAD")):
        done = product(*command, cwd=folder, megabytes=room)
        assert (2, True) == (done.code, done.survived and "larger than" in done.out), done.out
