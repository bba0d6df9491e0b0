"""`llmops-git check` in real repositories."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from llmops_git.cli import run
from llmops_git.commands.check import find_problems
from llmops_git.commands.project import open_project
from llmops_git.configs.schema import load_schema
from tests.history import History

GOOD = """\
model: {provider: local, id: smollm2-135m-instruct-q4_1}
inputs: {properties: {message: {type: string}}}
messages:
  - {role: system, file: shared/tone.j2}
  - {role: user, content: "{{ message }}"}
evaluation: {dataset: ../evals/all.jsonl, scorers: {same: {use: exact}}}
"""
FILES = {
    "prompts/one.yaml": GOOD,
    "prompts/two.yaml": GOOD,
    "prompts/shared/tone.j2": "Be kind.",
    "evals/all.jsonl": '{"inputs": {"message": "x"}}\n',
}


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(repository, FILES)
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    subprocess.run(["git", "commit", "-qm", "start"], cwd=repository, check=True)
    monkeypatch.chdir(repository)
    return repository


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["check", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_good_project_passes_and_says_what_was_checked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys) == (0, "", "2 configs in the work tree: 0 errors, 0 warnings\n")


def test_an_error_is_shown_with_the_line_and_a_caret(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"prompts/one.yaml": GOOD.replace("provider: local", "provder: local")})
    code, out, err = check(capsys)
    assert code == 2
    assert out == (
        "prompts/one.yaml:1:8: error: $.model `provider` is missing\n"
        "     1 | model: {provder: local, id: smollm2-135m-instruct-q4_1}\n"
        "       |        ^\n"
        "\n"
        "prompts/one.yaml:1:9: error: $.model.provder unknown key `provder`\n"
        "     1 | model: {provder: local, id: smollm2-135m-instruct-q4_1}\n"
        "       |         ^\n"
        "  hint: did you mean `provider`?\n"
    )
    assert err == "2 configs in the work tree: 2 errors, 0 warnings\n"


def test_warnings_do_not_fail(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"prompts/three.yaml": GOOD[: GOOD.index("evaluation")]})
    code, out, err = check(capsys)
    assert (code, "warning: $ has no `evaluation:` section" in out, err.endswith("0 errors, 1 warning\n")) == (0, True, True)


def test_the_index_is_what_is_staged(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"prompts/one.yaml": "broken: true\n"})
    assert check(capsys, "--index")[0] == 0
    subprocess.run(["git", "add", "-A"], check=True)
    write(project, FILES)
    code, out, err = check(capsys, "--index")
    assert (code, "unknown key `broken`" in out, "in the index" in err) == (2, True, True)
    assert check(capsys)[0] == 0


def test_a_commit_is_checked_without_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(tmp_path / "bare.git", bare=True)
    good = history.commit(FILES)
    bad = history.commit({"prompts/one.yaml": "broken: true\n"})
    monkeypatch.chdir(history.folder)
    assert check(capsys, "--ref", good)[0] == 0
    assert check(capsys, "--ref", bad)[0] == 2
    assert check(capsys)[0] == 2
    code, _, err = check(capsys, "--index")
    assert (code, "bare repository has no index" in err) == (2, True)


def test_paths_choose_the_configs_that_are_below_or_read_them(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, {"prompts/deep/three.yaml": GOOD.replace("file: shared/tone.j2", "content: x").replace("../", "../../")})
    for arguments, count in [
        (["prompts/one.yaml"], 1),
        (["prompts/shared/tone.j2"], 2),
        (["evals"], 3),
        (["prompts/deep"], 1),
        (["."], 3),
    ]:
        assert check(capsys, *arguments)[2].split()[0] == str(count), arguments
    monkeypatch.chdir(project / "prompts")
    assert check(capsys, "shared", "deep/three.yaml")[2].startswith("3 configs")


def test_a_judge_can_be_checked_by_its_path(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        project,
        {
            "judges/j.yaml": "kind: judge\nmodel: {provider: local, id: smollm2-135m-instruct-q4_1}\nmessages: [{role: user, content: '{{ output }}'}]\n"
        },
    )
    code, out, _ = check(capsys, "judges/j.yaml")
    assert (code, "`scale` is missing" in out) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.yaml"], "nothing.yaml is not in the work tree"),
        (["README"], "no config reads README"),
        (["../x"], "leaves the repository"),
    ],
)
def test_paths_that_mean_nothing_are_errors(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    write(project, {"README": "x"})
    code, _, err = check(capsys, *arguments)
    assert (code, message in err) == (2, True)


def test_the_json_form_keeps_to_its_schema(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"prompts/one.yaml": GOOD.replace("local", "nobody"), "prompts/Two.yaml": GOOD})
    code, out, err = check(capsys, "--format", "json")
    document = json.loads(out)
    Draft202012Validator(load_schema("check")).validate(document)
    assert (code, err, document["tree"], document["errors"]) == (2, "", "worktree", 2)
    assert {problem["path"] for problem in document["problems"]} == {"prompts/one.yaml", "prompts/Two.yaml"}


def test_settings_that_only_a_scorer_or_a_provider_can_refuse_are_found(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        project, {"prompts/one.yaml": GOOD.replace("{use: exact}", '{use: regex, pattern: "(("}').replace("smollm2", "smollm9")}
    )
    code, out, _ = check(capsys)
    assert code == 2
    assert "prompts/one.yaml:1:30: error: $.model.id provider `local` has no model `smollm9-" in out
    assert "prompts/one.yaml:6:59: error: $.evaluation.scorers.same scorer `same`: " in out


def test_a_broken_policy_is_shown_before_anything_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"llmops.yaml": "gate: {alfa: 1}\n"})
    code, out, err = check(capsys)
    assert (code, "did you mean `alpha`?" in out, err.startswith("0 configs")) == (2, True, True)


def test_a_project_in_a_subfolder_is_the_one_around_the_caller(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        project,
        {f"team/{path}": text for path, text in FILES.items()} | {"team/llmops.yaml": "configs: ['prompts/one.yaml']\n"},
    )
    monkeypatch.chdir(project / "team" / "prompts")
    assert check(capsys)[2].startswith("1 config ")
    monkeypatch.chdir(project)
    assert check(capsys)[2].startswith("2 configs")


def test_an_empty_repository_says_how_to_begin(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    code, out, _ = check(capsys)
    assert (code, "hint: llmops-git init" in out) == (0, True)


def test_hostile_text_in_a_file_does_not_reach_the_terminal(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"prompts/one.yaml": '"a\\e]0;x": 1\nb\u202ec: 1\n' + GOOD})
    code, out, _ = check(capsys)
    assert code == 2
    assert not [letter for letter in out if (ord(letter) < 32 and letter != "\n") or letter == "\u202e"]


def test_a_long_line_is_cut_around_the_place(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"prompts/one.yaml": "messages: [" + "{role: user, content: x}, " * 500 + "{rle: user}]\n"})
    _, out, _ = check(capsys)
    assert "unknown key `rle`" in out
    assert max(map(len, out.split("\n"))) < 200


def test_the_hook_of_pre_commit_runs_check() -> None:
    from llmops_git.configs.yaml import parse

    file = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
    [hook] = parse(file.read_bytes(), file.name).value
    assert (hook["id"], hook["entry"], hook["pass_filenames"]) == ("check", "llmops-git check --index", False)


RETIRING = GOOD.replace(
    "{provider: local, id: smollm2-135m-instruct-q4_1}", "\n  provider: anthropic\n  id: claude-sonnet-4-5-20250929"
)


def warnings_on(folder: Path, day: date) -> list[tuple[str, int, str, str]]:
    found, _ = find_problems(open_project(str(folder)), open_project(str(folder)).tree(None), [], today=day)
    assert {"warning"} >= {problem.severity for problem in found}
    return [(problem.path, problem.line, problem.message, problem.hint) for problem in found]


def test_a_pin_that_is_retired_soon_or_was_is_warned_of_at_its_line(project: Path) -> None:
    write(project, {"prompts/one.yaml": RETIRING})
    source = "(Anthropic, Claude docs, Model deprecations, as published by 2026-11-24)"
    hint = "llmops-git upgrade one --model claude-sonnet-5-5"
    soon = f"`claude-sonnet-4-5-20250929` is retired in 6 days, on 2026-11-30 {source}"
    past = f"`claude-sonnet-4-5-20250929` was retired on 2026-11-30: requests to it will fail, or another model answers them {source}"
    assert [] == warnings_on(project, date(2026, 8, 31))
    assert [("prompts/one.yaml", 3, soon, hint)] == warnings_on(project, date(2026, 11, 24))
    assert [("prompts/one.yaml", 3, past, hint)] == warnings_on(project, date(2026, 12, 1))


def test_a_successor_that_is_an_alias_is_named_and_not_offered_as_a_pin(project: Path) -> None:
    write(
        project,
        {
            "prompts/one.yaml": RETIRING.replace("anthropic", "openai").replace(
                "claude-sonnet-4-5-20250929", "gpt-4.1-2025-04-14"
            )
        },
    )
    [(_, _, _, hint)] = warnings_on(project, date(2027, 1, 1))
    assert "llmops-git upgrade one --model MODEL, with a snapshot of `gpt-6-luna`, which its vendor recommends" == hint


def test_the_pin_of_a_judge_is_warned_of_once(project: Path) -> None:
    judge = "kind: judge\nmodel: {provider: gemini, id: gemini-2.5-flash}\nmessages: [{role: user, content: '{{ output }}'}]\nscale: {labels: {pass: 1, fail: 0}}\n"
    judged = GOOD.replace("{same: {use: exact}}", "{kind: {use: judge, judge: ../judges/kind.yaml}}")
    write(project, {"judges/kind.yaml": judge, "prompts/one.yaml": judged, "prompts/two.yaml": judged})
    [(path, line, message, hint)] = warnings_on(project, date(2026, 11, 24))
    assert ("judges/kind.yaml", 2, "llmops-git upgrade judges/kind.yaml --model gemini-3.5-flash-lite") == (path, line, hint)
    assert message.startswith("`gemini-2.5-flash` is retired in 7 days")


def test_the_command_knows_which_day_it_is_and_does_not_fail_for_a_warning(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    write(project, {"retirements.yaml": f"smollm2-135m-instruct-q4_1: {{date: {yesterday}, successor: smollm3}}\n"})
    code, out, err = check(capsys)
    assert (0, "2 configs in the work tree: 0 errors, 2 warnings\n") == (code, err)
    assert f"warning: $.model.id `smollm2-135m-instruct-q4_1` was retired on {yesterday}: requests to it will fail" in out
    assert "hint: llmops-git upgrade two --model smollm3" in out


def test_a_scorer_of_another_package_has_to_be_allowed_by_the_policy(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"prompts/one.yaml": GOOD.replace("use: exact", "use: acme.calm")})
    refused = check(capsys, "prompts/one.yaml")
    write(project, {"llmops.yaml": "scorers: {allow: [acme.calm]}\n"})
    missing = check(capsys, "prompts/one.yaml")
    assert (refused[0], missing[0]) == (2, 2)
    assert "`acme.calm` is code of another package, and the policy does not allow it" in refused[1]
    assert "no installed package has a scorer `acme.calm`" in missing[1]


def test_the_parts_of_a_combination_are_scorers_of_the_config(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scorers = (
        "{same: {use: exact}, slow: {use: latency}, all: {use: weighted, of: {sane: 1}}, bad: {use: weighted, of: {slow: 1}}}"
    )
    write(project, {"prompts/one.yaml": GOOD.replace("{same: {use: exact}}", scorers)})
    code, said, _ = check(capsys, "prompts/one.yaml")
    assert code == 2
    assert "there is no scorer `sane`" in said
    assert "did you mean `same`?" in said
    write(project, {"prompts/one.yaml": GOOD.replace("{same: {use: exact}}", scorers.replace("sane", "same"))})
    assert "`slow` cannot be a part: it is better when lower, and has no range" in check(capsys, "prompts/one.yaml")[1]


def test_a_rule_about_a_score_that_no_config_has_is_a_warning(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = "rules:\n  - {id: ID, metric: score.SCORER.mean, window: 1d, compare: {op: lt, value: 0.5}}\n"
    for path, text in {**FILES, "monitors/a.yaml": rules.replace("ID", "worse").replace("SCORER", "saem")}.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    monkeypatch.chdir(repository)
    assert 0 == run(["check", "--format", "json"])
    (problem,) = [one for one in json.loads(capsys.readouterr().out)["problems"] if one["path"] == "monitors/a.yaml"]
    assert ("warning", 2) == (problem["severity"], problem["line"])
    assert "no config has such a scorer" in problem["message"]
    assert "same" in problem["hint"]
    (repository / "monitors" / "a.yaml").write_text(rules.replace("ID", "worse").replace("SCORER", "same"))
    assert 0 == run(["check", "--format", "json"])
    assert [] == [one for one in json.loads(capsys.readouterr().out)["problems"] if one["path"] == "monitors/a.yaml"]
