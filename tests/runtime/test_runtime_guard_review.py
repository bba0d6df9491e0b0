"""From an application to a suite: what guards did in real requests is counted, drawn, labelled and measured on."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from llmops_git.cli import run
from llmops_git.guardrails.suites import read_suite
from tests.chat_server import chat_server, text_answer
from tests.runtime.runtime_material import bundle_bytes
from tests.runtime.test_runtime_generate import PACK, asking

RULES = """\
rules:
  email: {use: pii, kinds: [EMAIL], action: redact}
  banned: {use: banned, texts: [forbidden], action: block}
  watched: {use: regex, pattern: refund, action: shadow}
"""
MESSAGES = [f"mail jane{n}@example.com about {n}" for n in range(6)]
MESSAGES += [f"a forbidden word, {n}" for n in range(3)]
MESSAGES += [f"a refund for {n}" for n in range(4)] + [f"where is order {n}?" for n in range(7)]


def test_what_guards_did_in_an_application_becomes_a_suite(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "guardrails").mkdir()
    (repository / "guardrails" / "pii.yaml").write_text(RULES)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "one"], cwd=repository, check=True)
    folder = repository / ".llmops" / "traces"
    folder.mkdir(parents=True)
    with chat_server(lambda *_: text_answer("it is on its way")) as server:
        router = asking(folder, server.url, bundle=bundle_bytes(guardrails={"input": [PACK]}))
        for message in MESSAGES:
            with router.request() as request:
                request.generate(message=message)
        assert router.flush(20)
    monkeypatch.chdir(repository)
    assert 0 == run(["traces", "ingest"])
    capsys.readouterr()
    assert 0 == run(["guardrails", "rates", "--format", "json"])
    found = {rate["rule"]: rate for rate in json.loads(capsys.readouterr().out)["rates"]}
    shown = {rule: [rate[key] for key in ("evaluations", "redacted", "blocked", "shadow")] for rule, rate in found.items()}
    assert {"email": [20, 6, 0, 0], "banned": [20, 0, 3, 0], "watched": [20, 0, 0, 4]} == shown
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n" * len(MESSAGES)))
    assert 0 == run(["guardrails", "review", "pii", "-n", "20", "--who", "Ann <ann@example.com>"])
    assert "20 texts of 13 hits and 7 passes" in capsys.readouterr().err
    texts = [
        text.text for text in read_suite("s.jsonl", (repository / "guardrails/suites/reviewed-pii.jsonl").read_bytes()).texts
    ]
    assert 20 == len(texts)
    assert not [text for text in texts if "jane" in text], "nobody's address"
    assert "mail ada.lovelace@example.org about 3" in texts, "and yet one to find"
    assert "a forbidden word, 1" in texts, "also where no model was asked"
    assert 0 == run(["guardrails", "test", "--format", "json"])
    rates = {rate["name"]: rate["hits"] for rate in json.loads(capsys.readouterr().out)["packs"][0]["rates"]}
    assert {"reviewed": 9} == rates, "what acted live acts on the suite; shadow does not"
