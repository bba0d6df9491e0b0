"""Loading a config: one resolved value, exact digests, and every problem at once with its place."""

from __future__ import annotations

import hashlib
import json

import pytest
from sample_config import CONFIG, FILES, PATH, changed, load, only, problems

from llmops_git.configs.digest import digest_of
from llmops_git.configs.tree import SUBMODULE_MODE, SYMLINK_MODE
from llmops_git.errors import InvalidInput


def test_a_resolved_config_is_everything_that_reaches_the_model_and_no_name_of_a_file() -> None:
    config = load()
    tone = next(iter(config.resolved["templates"]))
    expected = {
        "model": {"provider": "openai", "id": "gpt-4.1-mini-2025-04-14", "parameters": {"temperature": 0, "max_tokens": 64}},
        "inputs": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}},
        "messages": [
            {
                "role": "system",
                "template": f'Route the message.\n{{% include "{tone}" %}}\n'
                "{% for document in documents %}{{ document.text }}{% endfor %}\n",
            },
            {"role": "user", "template": "{{ message }}"},
        ],
        "templates": {tone: "Be kind."},
        "output": {"schema": {"type": "object", "properties": {"queue": {"type": "string"}}}},
        "retrieval": {
            "retriever": "bm25",
            "chunk": {"size": 800, "overlap": 80},
            "query": "{{ message }}",
            "top_k": 4,
            "corpus": sorted(f"sha256:{hashlib.sha256(text).hexdigest()}" for text in (b"how to return", b"how to pay")),
        },
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "lookup_order",
                    "description": "Find an order.",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "max_steps": 6,
        "guardrails": {
            "input": [
                {
                    "name": "pii",
                    "message": "I cannot help with that.",
                    "rules": [
                        {
                            "name": "email",
                            "use": "pii",
                            "action": "block",
                            "on_error": "pass",
                            "sides": ["input", "output"],
                            "timeout": 1.0,
                            "kinds": ["EMAIL"],
                        }
                    ],
                }
            ]
        },
    }
    assert expected == config.resolved
    assert digest_of(config.resolved) == config.digest
    names = [path.rpartition("/")[2] for path in FILES]
    assert not [name for name in names if name in json.dumps(config.resolved)]


def test_a_config_says_who_it_is_and_what_it_reads() -> None:
    config = load()
    assert (config.name, config.path, config.kind, config.owner) == ("support-router", PATH, "config", "support-ml")
    assert (config.provider, config.model) == ("openai", "gpt-4.1-mini-2025-04-14")
    assert {item.role for item in config.closure} == {
        "config", "message", "include", "output_schema", "tool", "corpus", "guardrail", "dataset", "judge",
        "scorer_schema",
    }  # fmt: skip
    assert [(item.path, item.text) for item in config.documents] == [
        ("corpora/help/a.md", "how to return"),
        ("corpora/help/b.md", "how to pay"),
    ]
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("files", "edits"),
    [
        ({}, [("description: Route a customer message to a queue.\n", "# a comment\n")]),
        ({}, [("owner: support-ml", "owner: somebody")]),
        ({}, [("  parameters: {temperature: 0, max_tokens: 64}", "  parameters:\n    max_tokens: 64\n    temperature: 0.0")]),
        ({}, [('query: "{{ message }}"', 'query: "{{message}}"\n  chunk: {size: 800, overlap: 80}\n  top_k: 4')]),
        ({}, [("tools: [", "max_steps: 6\ntools: [")]),
        ({}, [("{message: {type: string}}", "{message: {type: string, description: What the customer wrote.}}")]),
        ({}, [("type: object\n  required", "required")]),
        ({"prompts/support-router/tone.j2": "{# be brief #}Be kind."}, []),
        ({"prompts/support-router/tone.j2": None, "prompts/support-router/voice.j2": "Be kind.",
          "prompts/support-router/system.j2": FILES["prompts/support-router/system.j2"].replace("tone.j2", "./voice.j2")}, []),
        ({"corpora/help/a.md": "how to pay", "corpora/help/b.md": "how to return"}, []),
        ({"prompts/support-router/lookup_order.json": json.dumps({"type": "function", "function": {
            "name": "lookup_order", "description": "Find an order.", "parameters": {"type": "object", "properties": {}}}})}, []),
        ({"prompts/support-router/output.schema.json": None,
          "prompts/support-router/answer.yaml": "type: object\nproperties: {queue: {type: string}}"},
         [("output: {schema: support-router/output.schema.json}", "output: {schema: support-router/answer.yaml}"),
          ("schema: support-router/output.schema.json}", "schema: support-router/answer.yaml}")]),
        ({"guardrails/pii.yaml": "# other words\nrules:\n  email:\n    kinds: [EMAIL]\n    use: pii\n"}, []),
    ],
)  # fmt: skip
def test_what_does_not_reach_the_model_is_not_in_the_digest(files: dict[str, str | None], edits: list[tuple[str, str]]) -> None:
    other = load(changed(files, *edits))
    assert load().digest == other.digest
    assert load().eval_digest == other.eval_digest
    assert load().closure_digest != other.closure_digest


@pytest.mark.parametrize(
    ("files", "edits"),
    [
        ({}, [("temperature: 0,", "temperature: 0.1,")]),
        ({}, [("gpt-4.1-mini-2025-04-14", "gpt-4.1-2025-04-14")]),
        ({}, [("provider: openai", "provider: groq")]),
        ({}, [("required: [message]", "required: []")]),
        ({}, [("role: system", "role: developer")]),
        ({"prompts/support-router/tone.j2": "Be kind. "}, []),
        (
            {"prompts/other.json": '{"type": "object"}'},
            [("output: {schema: support-router/output.schema", "output: {schema: other")],
        ),
        ({"corpora/help/a.md": "how to return it"}, []),
        ({"corpora/help/c.md": "more"}, []),
        ({"prompts/support-router/lookup_order.json": '{"name": "lookup_order", "description": "Look an order up."}'}, []),
        ({"guardrails/pii.yaml": "rules: {email: {use: pii, kinds: [PHONE]}}\n"}, []),
        ({}, [("tools: [", "max_steps: 5\ntools: [")]),
        ({}, [('query: "{{ message }}"', 'query: "{{ message }}"\n  top_k: 5')]),
    ],
)
def test_what_reaches_the_model_changes_the_digest(files: dict[str, str | None], edits: list[tuple[str, str]]) -> None:
    other = load(changed(files, *edits))
    assert load().digest != other.digest
    assert load().eval_digest == other.eval_digest


@pytest.mark.parametrize(
    ("files", "edits"),
    [
        ({}, [("margin: 0.02", "margin: 0.03")]),
        ({}, [("max_ratio: 1.10", "max_ratio: 1.2")]),
        ({}, [("max: 5", "max: 4")]),
        ({}, [("field: queue}", "field: queue, ignore_case: true}")]),
        ({"evals/support-router.jsonl": FILES["evals/support-router.jsonl"].replace("billing", "returns", 1)}, []),
        ({"judges/helpfulness.yaml": FILES["judges/helpfulness.yaml"].replace("Does", "Did")}, []),
        ({"judges/helpfulness.yaml": FILES["judges/helpfulness.yaml"].replace("pass: 1", "pass: 0.9")}, []),
    ],
)
def test_how_a_config_is_measured_is_in_the_eval_digest_only(
    files: dict[str, str | None], edits: list[tuple[str, str]]
) -> None:
    other = load(changed(files, *edits))
    assert load().digest == other.digest
    assert load().eval_digest != other.eval_digest


@pytest.mark.parametrize(
    "files",
    [
        {"evals/support-router.jsonl": "\n".join(reversed(FILES["evals/support-router.jsonl"].split("\n")))},
        {"judges/helpfulness.yaml": "# the judge\n" + FILES["judges/helpfulness.yaml"]},
        {"evals/support-router.jsonl": None, "evals/support-router.yaml": "".join(
            f"- {{id: c{n}, inputs: {{message: message {n}}}, expected: billing}}\n" for n in range(3))},
    ],
)  # fmt: skip
def test_the_order_and_the_format_of_rows_are_not_in_the_eval_digest(files: dict[str, str | None]) -> None:
    edits = [("support-router.jsonl", "support-router.yaml")] if "evals/support-router.yaml" in files else []
    assert load().eval_digest == load(changed(files, *edits)).eval_digest


def test_without_checks_the_digests_are_the_same() -> None:
    full, quick = load(), load(check=False)
    assert (full.digest, full.eval_digest, full.closure_digest) == (quick.digest, quick.eval_digest, quick.closure_digest)


def test_without_checks_a_config_that_cannot_be_resolved_says_all_that_is_wrong() -> None:
    files = changed(
        {}, ("model:\n  provider: openai\n  id: gpt-4.1-mini-2025-04-14", "model: {provider: openai}\nmodell:\n  id: 5")
    )
    with pytest.raises(InvalidInput) as quick:
        load(files, check=False)
    assert problems(files) == list(quick.value.problems)
    assert "`id` is missing" in str(quick.value)


def test_two_files_are_enough() -> None:
    files = {
        "prompts/a.yaml": "model: {provider: local, id: m}\ninputs: {properties: {x: {}}}\n"
        "messages: [{role: user, content: '{{ x }}'}]\nevaluation: {dataset: a.csv, scorers: {same: {use: exact}}}",
        "prompts/a.csv": "x,expected\nhello,world\n",
    }
    config = load(files, "prompts/a.yaml")
    assert config.evaluation is not None
    assert [(case.inputs, case.expected) for case in config.evaluation.cases] == [({"x": "hello"}, "world")]


def test_every_problem_is_reported_at_once_with_file_line_and_hint() -> None:
    files = changed(
        {
            "evals/support-router.jsonl": '{"inputs": {"mesage": "x"}}\n{"inputs": {"message": "y"}, "expcted": 1}\n',
            "prompts/support-router/system.j2": "fine\n{% include tone %}\n{{ documents }}",
            "guardrails/pii.yaml": "a: 1\na: 2\n",
        },
        ("name: support-router", "name: suport-router"),
        ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
        ('content: "{{ message }}"', 'content: "{{ mesage }}"'),
        ("tools: [support-router/lookup_order.json]", "tools: [support-router/lookup_ordr.json]"),
        ("gate: {queue", "gate: {quee"),
    )
    found = {(problem.path, problem.line): problem for problem in problems(files)}
    expected = {
        (PATH, 1): ("is not that of the file", "name: support-router"),
        (PATH, 6): ("is an alias", "gpt-4.1-mini-2025-04-14"),
        (PATH, 14): ("`mesage` is not an input", "did you mean `message`?"),
        (PATH, 20): ("no such file", "did you mean `lookup_order.json`?"),
        (PATH, 29): ("no scorer `quee`", "did you mean `queue`?"),
        ("evals/support-router.jsonl", 2): ("unknown key `expcted`", "did you mean `expected`?"),
        ("guardrails/pii.yaml", 2): ("`a` is there twice", "keep one"),
        ("prompts/support-router/system.j2", 2): ("only static includes", "{% include"),
    }
    assert set(expected) | {("evals/support-router.jsonl", 1)} == set(found)
    for place, (message, hint) in expected.items():
        assert message in found[place].message
        assert hint in found[place].hint


@pytest.mark.parametrize(
    ("edit", "pointer", "message"),
    [
        (("temperature: 0,", "temprature: 0,"), "$.model.parameters.temprature", "unknown key"),
        (("provider: openai", "provider: opnai"), "$.model.provider", "there is no provider `opnai`"),
        (("file: support-router/system.j2", "file: ../../secret.j2"), "$.messages[0].file", "leaves the repository"),
        (("file: support-router/system.j2", "file: /etc/passwd"), "$.messages[0].file", "relative path"),
        (("file: support-router/system.j2", "file: support-router"), "$.messages[0].file", "folder"),
        (("max: 5", "max: 0"), "$.evaluation.repeats.max", "at least 1"),
        (("start: 1, max: 5", "start: 3, max: 2"), "$.evaluation.repeats", "less than start"),
        (("repeats: {start: 1, max: 5}", "cluster_by: inputs.customer"), "$.evaluation.cluster_by", "no case has"),
        (("query: ", "chunk: {size: 60}\n  query: "), "$.retrieval.chunk", "must be smaller"),
        (("{message: {type: string}}", "{message: {type: strng}}"), "$.inputs.properties.message.type", "no JSON Schema type"),
        (("{message: {type: string}}", "{message: {$ref: 'http://x/y'}}"), '$.inputs.properties.message["$ref"]', "outside"),
        (("../judges/helpfulness.yaml", "../judges/helpfulnes.yaml"), "$.evaluation.scorers.helpful.judge", "no such file"),
        (("../judges/helpfulness.yaml", "support-router.yaml"), "", "is not a judge"),
        (("evaluation:", "scale: {labels: {a: 0, b: 1}}\nevaluation:"), "$.scale", "for judges only"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_field_and_line(edit: tuple[str, str], pointer: str, message: str) -> None:
    found = [problem for problem in problems(changed({}, edit)) if problem.pointer == pointer]
    assert [message in problem.message for problem in found] == [True]
    assert found[0].line > 0


@pytest.mark.parametrize(
    ("path", "text", "line", "message"),
    [
        ("prompts/support-router/system.j2", "a\n{% if %}\n{{ documents }}", 2, "not a valid template"),
        ("prompts/support-router/system.j2", "a\n\n{{ documents|center(9) }}", 3, "the filter `center` is not available"),
        ("prompts/support-router/system.j2", "{{ documents is emptyy }}", 1, "there is no test `emptyy`"),
        ("prompts/support-router/tone.j2", "a\n{{ tone }}", 2, "`tone` is not an input"),
        ("prompts/support-router/tone.j2", "{% include 'tone.j2' %}", 1, "includes itself"),
        ("prompts/support-router/system.j2", "{{ documents }}{% include ['a.j2', 'b.j2'] %}", 1, "only static includes"),
        ("prompts/support-router/system.j2", "{{ documents }}\n{% include 'a' ~ message %}", 2, "only static includes"),
        ("prompts/support-router/output.schema.json", '{\n"type": "objct"}', 2, "no JSON Schema type"),
        ("prompts/support-router/output.schema.json", '{\n"type": }', 2, "not valid JSON"),
        ("prompts/support-router/output.schema.json", '{"type": "object", "type": "object"}', 1, "there twice"),
        ("prompts/support-router/lookup_order.json", '{"nme": "lookup"}', 1, "unknown key `nme`"),
        ("evals/support-router.jsonl", '{"inputs": {"message": 5}}', 1, "must be text"),
        ("evals/support-router.jsonl", '{"inputs": {}}', 1, "`message` is missing"),
        ("evals/support-router.jsonl", '{"inputs": {"message": "a", "other": 1}}', 1, "not an input of the config"),
        (
            "judges/helpfulness.yaml",
            FILES["judges/helpfulness.yaml"].replace("{{ output", "{{ outpt"),
            3,
            "`outpt` is not an input",
        ),
        ("judges/helpfulness.yaml", FILES["judges/helpfulness.yaml"].replace("-2024-08-06", ""), 2, "is an alias"),
    ],
)
def test_mistakes_in_the_files_that_a_config_names_have_their_line(path: str, text: str, line: int, message: str) -> None:
    found = [problem for problem in problems(changed({path: text})) if problem.path == path and message in problem.message]
    assert [line] == [problem.line for problem in found][:1]


@pytest.mark.parametrize("mode", [SYMLINK_MODE, SUBMODULE_MODE])
@pytest.mark.parametrize("path", [path for path in FILES if path != PATH])
def test_links_and_submodules_are_refused_wherever_they_stand(path: str, mode: str) -> None:
    found = problems(FILES, modes={path: mode})
    assert [problem for problem in found if problem.severity == "error"]
    assert any("symbolic link" in problem.message or "submodule" in problem.message for problem in found)


def test_a_config_that_is_a_link_is_refused() -> None:
    assert "symbolic link" in only(FILES, modes={PATH: SYMLINK_MODE}).message


@pytest.mark.parametrize("text", ["", "- a", "just text", "5"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    problem = only(changed({PATH: text}))
    assert (problem.line, problem.message) == (1, "a config is a mapping with `model` and `messages`")


def test_a_corpus_file_that_is_not_text_is_refused() -> None:
    files: dict[str, str | bytes] = {**FILES, "corpora/help/b.md": b"\xff\xfe"}
    assert "not UTF-8" in only(files).message  # type: ignore[arg-type]


def test_warnings_do_not_keep_a_config_from_loading() -> None:
    edits = [("gpt-4.1-mini-2025-04-14\n", "gpt-4.1-mini\n  allow_floating: true\n"), ("{message: {", "{other: {}, message: {")]
    config = load(changed({}, *edits))
    assert [(problem.severity, problem.pointer) for problem in config.warnings] == [
        ("warning", "$.model.id"),
        ("warning", "$.inputs.properties.other"),
    ]


def test_a_config_without_an_evaluation_is_warned_about() -> None:
    files = changed({PATH: CONFIG[: CONFIG.index("evaluation:")]})
    assert (problems(files)[0].severity, load(files).evaluation) == ("warning", None)


def test_a_judge_is_a_config_with_a_scale() -> None:
    config = load(path="judges/helpfulness.yaml")
    assert (config.kind, config.scale) == ("judge", {"labels": {"pass": 1, "fail": 0}})
    evaluation = load().evaluation
    assert evaluation is not None
    judge = evaluation.scorers[1].judge
    assert judge is not None
    assert (judge.digest, judge.scale) == (config.digest, config.scale)


def test_an_include_that_may_be_missing_may_be_missing() -> None:
    system = FILES["prompts/support-router/system.j2"].replace("'tone.j2'", "'tone.j2' ignore missing")
    there = load(changed({"prompts/support-router/system.j2": system}))
    gone = load(changed({"prompts/support-router/system.j2": system, "prompts/support-router/tone.j2": None}))
    assert there.digest != gone.digest
    assert gone.resolved["templates"] == {}


def test_a_digest_does_not_depend_on_where_the_project_is() -> None:
    moved = {f"teams/one/{path}": text for path, text in FILES.items()}
    assert load().digest == load(moved, f"teams/one/{PATH}", root="teams/one").digest


def test_a_row_that_does_not_render_names_the_case_and_the_template_line() -> None:
    config = (
        CONFIG[: CONFIG.index("output:")] + "evaluation: {dataset: ../evals/support-router.jsonl, scorers: {a: {use: exact}}}"
    )
    config = config.replace("properties: {message", "properties: {tone: {type: string}, message")
    files = changed({PATH: config, "prompts/support-router/system.j2": "x\n{{ tone }}"})
    found = problems(files)
    assert [problem.line for problem in found] == [1, 2, 3]
    assert "case `c0` does not render: messages[0] (system), line 2: 'tone' is undefined" in found[0].message
