"""Guardrails on live traffic: rates out of a real store, and live texts that become suite lines."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from live_material import NEW, OLD, PACK, START_NS, live_spans, live_store

from llmops_git.cli import run
from llmops_git.commands.guard_labels import append_rows
from llmops_git.commands.guard_reviewing import draw
from llmops_git.configs.schema import validator
from llmops_git.errors import InvalidInput, LlmopsError
from llmops_git.guardrails.suites import read_suite
from llmops_git.monitoring.guard_rates import GuardRate, rates_of, rates_query, silent, ways_of
from llmops_git.monitoring.guard_sample import Look, in_turn, looks_of, looks_query
from llmops_git.monitoring.store import Store
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

START = datetime.fromtimestamp(START_NS / 1e9, UTC)
END = START + timedelta(days=30)


def rates(store: Store, by: str = "rule") -> list[GuardRate]:
    ways = ways_of(by)
    sql, parameters = rates_query(ways, START, END)
    with store.connection() as connection:
        return list(rates_of(ways, connection.execute(sql, parameters).fetchall()))


def guard_span(number: int, result: str, *, rule: str = "quiet", weight: float | None = None) -> Span:
    extra = {} if weight is None else {names.SAMPLE_WEIGHT: weight}
    return Span(
        trace_id=f"{number:032x}", span_id=f"{number:016x}", name=f"apply_guardrail x/{rule}", start_ns=START_NS + number * 1000,
        end_ns=START_NS + number * 1000 + 10,
        attributes={names.OPERATION: names.APPLY_GUARDRAIL, names.GUARD_PACK: "x", names.GUARD_RULE: rule,
                    names.GUARD_SIDE: "input", names.GUARD_RESULT: result, names.PROMPT_VERSION: OLD, **extra},
    )  # fmt: skip


def test_rates_by_rule_release_and_day_add_up(tmp_path: Path) -> None:
    spans = live_spans(requests=200)
    store = live_store(tmp_path / "store", spans)
    guards = [span.attributes for span in spans if span.attributes[names.OPERATION] == names.APPLY_GUARDRAIL]
    redacted = sum(one[names.GUARD_RESULT] == "redact" for one in guards)
    (whole,) = rates(store)
    assert (PACK, "email", 400, redacted, 0) == (whole.pack, whole.rule, whole.evaluations, whole.redacted, whole.errors)
    assert whole.rate == pytest.approx(redacted / 400)
    assert whole.low is not None
    assert whole.high is not None
    assert 0 < whole.low < redacted / 400 < whole.high < 1
    by_release = rates(store, "release")
    assert [OLD, NEW] == [rate.release for rate in by_release]
    assert redacted == sum(rate.hits for rate in by_release)
    by_all = rates(store, "day,rule, release")
    assert redacted == sum(rate.hits for rate in by_all)
    assert all(rate.day.startswith("2025-11-2") and rate.rule == "email" for rate in by_all)


def test_a_guard_that_finds_nothing_and_one_that_decides_nothing_are_told_apart(tmp_path: Path) -> None:
    spans = [guard_span(number, "pass") for number in range(1, 1201)]
    spans += [guard_span(number, "error", rule="broken") for number in range(2001, 2021)]
    spans += [guard_span(number, "pass", rule="young") for number in range(3001, 3100)]
    found = {rate.rule: rate for rate in rates(live_store(tmp_path / "store", spans))}
    assert {"broken": "undecided", "quiet": "dead", "young": ""} == {rule: rate.mark for rule, rate in found.items()}
    assert 0.0024 < (found["quiet"].never or 0) < 0.0026, "three of 1,200"
    assert (None, None, 20) == (found["broken"].rate, found["broken"].never, found["broken"].errors)
    assert [("x", "other", "silent", 0)] == [
        (rate.pack, rate.rule, rate.mark, rate.evaluations) for rate in silent(found.values(), [("x", "quiet"), ("x", "other")])
    ]


def test_sampled_evaluations_count_for_what_they_stand_for(tmp_path: Path) -> None:
    spans = [guard_span(number, "pass", weight=10.0) for number in range(1, 101)]
    spans += [guard_span(number, "block", weight=1.0) for number in range(201, 251)]
    (rate,) = rates(live_store(tmp_path / "store", spans))
    assert (150, 50) == (rate.evaluations, rate.blocked)
    assert rate.rate == pytest.approx(50 / 1050)
    assert (rate.high or 0) - (rate.low or 0) > 0.06, "as wide as 110 evaluations, not as 1,050"


def test_ways_that_there_are_not_are_refused() -> None:
    assert ("rule", "day") == ways_of("day, rule")
    with pytest.raises(LlmopsError, match="cannot be given by `user`"):
        ways_of("rule,user")


def looks(store: Store, *, seed: int = 0, most: int = 50) -> list[Look]:
    sql, parameters = looks_query(PACK, START, END, seed=seed, most=most)
    with store.connection() as connection:
        return list(in_turn(looks_of(connection.execute(sql, parameters).fetchall())))


def test_a_sample_takes_hits_and_passes_of_each_release_in_turn(tmp_path: Path) -> None:
    store = live_store(tmp_path / "store", live_spans(requests=120))
    drawn = looks(store)
    assert ["hit", "pass"] * 6 == [look.kind for look in drawn[:12]]
    assert {OLD, NEW} == {look.release for look in drawn[:12] if look.kind == "hit"}
    assert {(side, release) for side in ("input", "output") for release in (OLD, NEW)} == {
        (look.side, look.release) for look in drawn[:12] if look.kind == "pass"
    }
    assert drawn == looks(store), "the same seed draws the same"
    assert drawn[:8] != looks(store, seed=1)[:8]
    assert len(drawn) == len({(look.trace_id, look.side) for look in drawn})


def test_what_is_drawn_is_redacted_and_not_yet_in_a_suite(tmp_path: Path) -> None:
    store = live_store(tmp_path / "store", live_spans(requests=120))

    def clean(text: str) -> str:
        return text.replace("@example.org", "@…")

    known: set[str] = set()
    drawn = draw(store, PACK, since=START, until=END, seed=0, count=10, clean=clean, known=known)
    assert (10, 10) == (len(drawn.items), len(known))
    assert not any("example.org" in item.text for item in drawn.items)
    again = draw(store, PACK, since=START, until=END, seed=0, count=10, clean=clean, known=known)
    assert not {item.id for item in drawn.items} & {item.id for item in again.items}
    assert 10 <= again.missing["already in a suite"]


def test_texts_that_were_not_captured_are_counted_and_not_shown(tmp_path: Path) -> None:
    store = live_store(tmp_path / "store", live_spans(requests=20, content=False))
    drawn = draw(store, PACK, since=START, until=END, seed=0, count=10, clean=str, known=set())
    assert () == drawn.items
    assert ["its inputs were not captured (content is off)"] == list(drawn.missing)
    with pytest.raises(LlmopsError, match="`other` did not look at any text"):
        draw(store, "other", since=START, until=END, seed=0, count=10, clean=str, known=set())


def test_lines_are_added_once_and_on_lines_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "suites" / "reviewed-pii.jsonl"
    rows: list[dict[str, Any]] = [{"id": "a", "text": "x", "attack": True}, {"id": "b", "text": "x", "attack": False}]
    assert 1 == append_rows(path, rows)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))  # as an editor may leave it
    assert 1 == append_rows(path, [*rows, {"id": "c", "text": "y", "attack": False}])
    assert 0 == append_rows(path, rows)
    assert ["x", "y"] == [text.text for text in read_suite("reviewed-pii.jsonl", path.read_bytes()).texts]
    path.write_text("{broken\n")
    with pytest.raises(InvalidInput):
        append_rows(path, rows)
    assert "{broken\n" == path.read_text()


@pytest.fixture
def live_project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a pack and a store of recent traffic."""
    (repository / "guardrails").mkdir()
    rules = "rules:\n  email: {use: pii, kinds: [EMAIL], action: redact}\n  never: {use: banned, texts: [xyzzy]}\n"
    (repository / "guardrails" / f"{PACK}.yaml").write_text(rules)
    now = int(datetime.now(UTC).timestamp() * 1e9)
    spans = live_spans(requests=60, start_ns=now - 3600 * 10**9, every_ms=20_000)
    live_store(repository / ".llmops" / "traces", spans, now_ns=now)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "one"], cwd=repository, check=True)
    monkeypatch.chdir(repository)
    return repository


def test_the_command_gives_rates_as_text_and_json(live_project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["guardrails", "rates"])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split()[:4] == ["pack", "rule", "looks", "block"]
    assert any(line.split()[:3] == ["pii", "email", "120"] for line in shown)
    assert any(line.split()[:2] == ["pii", "never"] and line.endswith("silent") for line in shown)
    assert 0 == run(["guardrails", "rates", "--by", "release,day", "--format", "json", "--since", "2d"])
    document = json.loads(capsys.readouterr().out)
    assert [] == [error.message for error in validator("guardrails-rates").iter_errors(document)]
    assert {OLD, NEW} == {rate["release"] for rate in document["rates"]}
    assert 0 == run(["guardrails", "rates", "--since", "1h", "--pack", "none"])
    assert 2 == run(["guardrails", "rates", "--by", "user"])
    assert 2 == run(["guardrails", "rates", "--since", "soon"])


def test_a_person_labels_on_the_terminal_and_nothing_is_asked_twice(
    live_project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io
    import sys

    path = live_project / "guardrails" / "suites" / f"reviewed-{PACK}.jsonl"
    assert 0 == run(["guardrails", "review", PACK, "-n", "4", "--dry-run"])
    assert not path.exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\nx\n2\ns\nq\n"))
    assert 0 == run(["guardrails", "review", PACK, "-n", "6", "--who", "Ann <ann@example.com>"])
    shown = capsys.readouterr()
    assert "redact" not in shown.out, "what the pack did is not shown"
    file = read_suite(path.name, path.read_bytes())
    assert ([True, False], {"reviewed"}) == ([text.attack for text in file.texts], {text.family for text in file.texts})
    assert not [text.text for text in file.texts if re.search(r"ada\d", text.text)]
    assert {"trace", "release", "who", "when"} == set(file.texts[0].source)
    assert [] == [e.message for line in path.read_text().splitlines() for e in validator("suite").iter_errors(json.loads(line))]
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n" * 60))
    assert 0 == run(["guardrails", "review", PACK, "-n", "40"])
    texts = [text.text for text in read_suite(path.name, path.read_bytes()).texts]
    assert 42 == len(texts) == len(set(texts))
    capsys.readouterr()
    assert 0 == run(["guardrails", "test", "--format", "json"])
    tested = json.loads(capsys.readouterr().out)
    assert [f"guardrails/suites/reviewed-{PACK}.jsonl"] == tested["packs"][0]["suites"], "labels are measured on at once"


def test_a_page_is_written_and_nothing_else(live_project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = live_project / "review.html"
    assert 0 == run(["guardrails", "review", PACK, "-n", "6", "--html", str(page)])
    assert "wrote" in capsys.readouterr().err
    text = page.read_text()
    assert f"reviewed-{PACK}-0.jsonl" in text
    assert 6 == text.count('"family": "reviewed"')
    assert not re.search(r"ada\d", text)
    assert '"attack": ' not in text.partition('id="data"')[2], "nobody has labelled yet"
    assert not (live_project / "guardrails" / "suites").exists()
    assert 2 == run(["guardrails", "review", PACK, "--html", str(page), "--add", str(page)])
    assert 2 == run(["guardrails", "review", "pee"])


def test_what_could_not_be_redacted_does_not_leave_the_store(tmp_path: Path) -> None:
    from llmops_git.guardrails.base import Undecided

    def fails(text: str) -> str:
        raise Undecided("too long")

    store = live_store(tmp_path / "store", live_spans(requests=20))
    drawn = draw(store, PACK, since=START, until=END, seed=0, count=10, clean=fails, known=set())
    assert ((), ["it could not be redacted"]) == (drawn.items, list(drawn.missing))
    assert replace(drawn, items=()) == drawn
