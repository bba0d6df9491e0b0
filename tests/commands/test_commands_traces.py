"""`llmops-git traces` on a real store: read in, find, show, compare, delete."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from llmops_git.monitoring.store import open_store
from llmops_git.traces import attributes as names
from llmops_git.traces.otlp import to_otlp_line
from llmops_git.traces.span import Span
from tests.monitoring.live_material import NEW, OLD, START_NS, live_lines, live_spans, live_store

SPANS = live_spans(requests=60)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live") / "store"
    live_store(folder, SPANS)
    return folder


@pytest.fixture
def traces(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a subcommand; exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: Any) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(["traces", *map(str, arguments)])
        return (code, *capfd.readouterr())

    return call


def document(traces: Run, *arguments: Any, code: int = 0) -> Any:
    found, out, err = traces(*arguments, "--format", "json")
    assert code == found, err
    read = json.loads(out)
    assert [] == [error.message for error in validator("traces").iter_errors(read)]
    return read


def ids(traces: Run, store: Path, *filters: Any) -> set[str]:
    return {one["trace_id"] for one in document(traces, "list", "--store", store, "--limit", "1000", *filters)["traces"]}


def having(condition: Callable[[Span], object]) -> set[str]:
    """The traces with a span of which something holds."""
    return {one.trace_id for one in SPANS if condition(one)}


def root(one: Span) -> bool:
    return one.attributes[names.OPERATION] == "invoke_workflow"


FILTERS: list[tuple[list[str], Callable[[Span], object]]] = [
    ([], lambda _: True),
    (["--release", NEW], lambda one: one.attributes[names.PROMPT_VERSION] == NEW),
    (["--release", "v1.0.0"], lambda one: one.attributes[names.PROMPT_VERSION] == OLD),
    (["--config", "support-router", "--feature", "search"], lambda one: one.attributes[names.FEATURE] == "search"),
    (["--config", "other"], lambda _: False),
    (["--environment", "production"], lambda _: True),
    (["--user", "user-3"], lambda one: one.attributes[names.USER] == "user-3"),
    (["--user", "user-3", "--user", "user-4"], lambda one: one.attributes[names.USER] in {"user-3", "user-4"}),
    (["--score", "faithful<0.6"], lambda one: one.attributes.get(names.EVALUATION_SCORE, 1) < 0.6),
    (["--score", " faithful >= 0.9 "], lambda one: one.attributes.get(names.EVALUATION_SCORE, 0) >= 0.9),
    (["--guardrail", "email"], lambda one: one.attributes.get(names.GUARD_RESULT, "pass") != "pass"),
    (["--guardrail", "pii/email=redact"], lambda one: one.attributes.get(names.GUARD_RESULT) == "redact"),
    (["--guardrail", "pii/email=block"], lambda _: False),
    (["--guardrail", "other/email"], lambda _: False),
    (["--signal", "thumbs_down"], lambda one: one.attributes.get(names.SIGNAL) == "thumbs_down"),
    (["--error"], lambda one: one.error),
    (["--slow", "900ms"], lambda one: root(one) and one.end_ns - one.start_ns >= 900_000_000),
    (["--expensive", "0.0002"], lambda one: one.attributes.get(names.COST_USD, 0) >= 0.0002),
    (["--since", "2025-11-20T12:30:00"], lambda one: root(one) and one.start_ns >= START_NS + 30 * 60 * 10**9),
    (["--until", "2025-11-20T13:30:00+01:00"], lambda one: root(one) and one.start_ns < START_NS + 30 * 60 * 10**9),
    (["--since", "1h"], lambda _: False),
]


@pytest.mark.parametrize(("filters", "holds"), FILTERS, ids=[" ".join(one[0]) for one in FILTERS])
def test_filters_find_what_they_say(traces: Run, store: Path, filters: list[str], holds: Callable[[Span], object]) -> None:
    assert having(holds) == ids(traces, store, *filters)


def test_filters_hold_together_and_the_newest_come_first(traces: Run, store: Path) -> None:
    wanted = having(lambda one: one.attributes[names.PROMPT_VERSION] == NEW) & having(
        lambda one: one.attributes.get(names.SIGNAL)
    )
    assert wanted == ids(traces, store, "--release", "v1.1.0", "--guardrail", "email=pass") & having(
        lambda one: one.attributes.get(names.SIGNAL)
    )
    found = document(traces, "list", "--store", store, "--limit", "7")
    times = [one["time"] for one in found["traces"]]
    assert (7, True, sorted(times, reverse=True)) == (len(times), found["more"], times)
    assert "2025-11-20T12:59:00Z" == times[0]


def test_a_listed_request_has_the_sums_of_its_calls_and_what_happened(traces: Run, store: Path) -> None:
    trace = next(
        iter(
            having(lambda one: one.attributes.get(names.EVALUATION_SCORE))
            & having(lambda one: one.attributes.get(names.SIGNAL))
        )
    )
    mine = {one.attributes[names.OPERATION]: one for one in SPANS if one.trace_id == trace}
    (found,) = (
        one for one in document(traces, "list", "--store", store, "--limit", "100")["traces"] if one["trace_id"] == trace
    )
    chat = mine["chat"].attributes
    assert (chat[names.INPUT_TOKENS], chat[names.OUTPUT_TOKENS], chat[names.COST_USD]) == (
        found["input_tokens"], found["output_tokens"], found["cost_usd"]
    )  # fmt: skip
    assert [mine["signal"].attributes[names.SIGNAL]] == [one["signal"] for one in found["signals"]]
    assert [mine["evaluate"].attributes[names.EVALUATION_SCORE]] == [one["score"] for one in found["scores"]]


def test_the_table_of_a_terminal(traces: Run, store: Path) -> None:
    code, out, err = traces("list", "--store", store, "--limit", "4", "--signal", "thumbs_down")
    lines = out.splitlines()
    assert 0 == code
    assert ["trace", "time", "(UTC)", "config", "release", "feature", "user", "time", "tokens", "cost"] == lines[0].split()
    assert "support-router  v1.1.0" in lines[1]
    assert "thumbs_down" in lines[2]
    assert "there are more" in err
    assert all(len(line) <= 120 for line in lines)
    assert "no such request\n" == traces("list", "--store", store, "--config", "nothing")[1]


def test_a_narrow_terminal_keeps_time_tokens_and_cost(traces: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = traces("list", "--store", store, "--limit", "1", "--feature", "triage")[1].splitlines()
    monkeypatch.setenv("COLUMNS", "80")
    narrow = traces("list", "--store", store, "--limit", "1", "--feature", "triage")[1].splitlines()
    assert ["trace", "time", "(UTC)", "config", "release", "time", "tokens", "cost"] == narrow[0].split()
    assert wide[1].split()[-2:] == narrow[1].split()[-2:]
    assert narrow[2].strip().startswith(f"triage · {wide[1].split()[6]}")
    assert all(len(line) <= 80 and "…" not in line for line in narrow)


def test_a_store_that_nobody_wrote_to_says_where_it_looked(traces: Run, tmp_path: Path) -> None:
    code, out, err = traces("ingest", "--store", tmp_path / "nowhere")
    assert 0 == code
    assert out.startswith("0 new spans from 0 lines")
    assert f"there is no file in {tmp_path / 'nowhere' / 'raw'}, where the runtime writes" in err


HOSTILE = "\x1b[2J\u202e::error::x\n##[group]"


def test_what_strangers_wrote_cannot_act_on_a_terminal_or_a_job(traces: Run, tmp_path: Path) -> None:
    found = {
        names.OPERATION: "invoke_workflow",
        names.PROMPT_NAME: HOSTILE,
        names.PROMPT_VERSION: f"llmops/a/{HOSTILE}",
        names.USER: HOSTILE,
    }
    texts = {
        names.VARIABLE_PREFIX + HOSTILE: HOSTILE,
        names.SIGNAL: HOSTILE,
        names.SIGNAL_COMMENT: HOSTILE,
        names.GUARD_REASON: HOSTILE,
    }
    rule = {
        names.OPERATION: "apply_guardrail",
        names.GUARD_PACK: HOSTILE,
        names.GUARD_RULE: HOSTILE,
        names.GUARD_RESULT: HOSTILE,
    }
    spans = [
        Span(trace_id=trace * 32, span_id=f"{number}{trace}" * 8, parent_id="" if number == 1 else f"1{trace}" * 8, name=HOSTILE,
             start_ns=START_NS + number, end_ns=START_NS + number, attributes=attributes, error=HOSTILE)
        for trace in "ab" for number, attributes in ((1, found | texts), (2, rule), (3, {names.TOOL_NAME: HOSTILE + trace, names.TOOL_RESULT: HOSTILE}))
    ]  # fmt: skip
    live_store(tmp_path, spans)
    shown = [
        traces("list", "--store", tmp_path),
        traces("show", "aaaa", "--store", tmp_path),
        traces("diff", "aaaa", "bbbb", "--store", tmp_path),
    ]
    shown += [
        traces("show", "aaaa", "--store", tmp_path, "--format", "json"),
        traces("diff", "aaaa", "bbbb", "--store", tmp_path, "--format", "json"),
    ]
    for code, out, _ in shown:
        assert 0 == code
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not any(
            line.lstrip().startswith("::") or "##[" in line for line in out.splitlines() if not line.lstrip().startswith('"')
        )


def test_show_is_the_whole_request_as_a_tree(traces: Run, store: Path) -> None:
    trace = next(one.trace_id for one in SPANS if one.attributes.get(names.TOOL_NAME))
    code, out, _ = traces("show", trace[:9], "--store", store)
    assert 0 == code
    for said in (f"trace {trace}  2025-11-20 12:00:00 UTC  production\n", "input message: Where is my order 0?", "├─ retrieval bm25  39 ms", "query: Where is my order 0?",
                 "1. 0.900 help/0.md#0: Orders arrive within 2 days.", "chat gpt-4.1-mini-2025-04-14", "first token after 106 ms",
                 "system: Route the message.", 'answers: {"queue":', "execute_tool lookup_order", 'arguments: {"id": 0}',
                 'result: {"status": "shipped"}', "apply_guardrail pii/email: pass", "signal thumbs_up", "evaluate faithful  0 ms  ",
                 "llmops/support-router/v1.0.0  triage  user-0", "287 → 26 tokens  $0.000156"):  # fmt: skip
        assert said in out
    read = document(traces, "show", trace, "--store", store)
    assert trace == read["trace_id"]
    steps = [one["name"] for one in read["steps"][0]["steps"]]
    assert ["retrieval bm25", "apply_guardrail pii/email", "chat gpt-4.1-mini-2025-04-14"] == steps[:3]


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("zzzz", "is no id of a trace"),
        ("abc", "too short"),
        ("0123456789", "there is no trace"),
        ("' or 1=1 --", "is no id of a trace"),
    ],
)
def test_ids_that_lead_nowhere(traces: Run, store: Path, prefix: str, said: str) -> None:
    code, out, err = traces("show", prefix, "--store", store)
    assert (2, "") == (code, out)
    assert said in err


def test_the_beginning_of_several_ids_is_refused_with_longer_ones(traces: Run, tmp_path: Path) -> None:
    spans = [
        Span(trace_id=f"abcd{number}" + "0" * 27, span_id="1" * 16, name="x", start_ns=START_NS, end_ns=START_NS)
        for number in range(3)
    ]
    live_store(tmp_path, spans)
    code, _, err = traces("show", "abcd", "--store", tmp_path)
    assert 2 == code
    assert "several traces begin with abcd" in err
    assert "abcd0000, abcd1000, abcd2000" in err


def test_diff_says_step_by_step_what_was_another(traces: Run, store: Path) -> None:
    before, after = ([one.trace_id for one in SPANS if one.attributes.get(names.TOOL_NAME)][place] for place in (0, -1))
    code, out, _ = traces("diff", before[:10], after, "--store", store)
    assert 0 == code
    for said in ("release  llmops/support-router/v1.0.0 → llmops/support-router/v1.1.0", "user  user-0 → user-5", "~ retrieval bm25",
                 "← first difference", "1. help/[-0-]{+2+}.md#0  0.900", "query  Where is my order 0?", "input tokens 287 → ", "$0.000156 → $",
                 'arguments  {"id": 0} → {"id": 56}'):  # fmt: skip
        assert said in out
    read = document(traces, "diff", before, after, "--store", store)
    assert ("retrieval bm25", "changed") == (read["steps"][read["first"]]["name"], read["steps"][read["first"]]["kind"])
    assert {"only_before"} & {one["kind"] for one in read["steps"]}  # the first request has a signal
    same = document(traces, "diff", before, before, "--store", store)
    assert (None, {"same"}) == (same["first"], {one["kind"] for one in same["steps"]})
    assert "no step did anything else" in traces("diff", before, before, "--store", store)[1]


def test_ingest_reads_the_raw_files_of_the_project_and_says_what_came(
    traces: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    raw = repository / ".llmops" / "traces" / "raw"
    raw.mkdir(parents=True)
    lines = live_lines(SPANS)
    (raw / "app.jsonl").write_text("".join(line + "\n" for line in [*lines[:5], lines[0], "damaged"]) + lines[5][:99])
    read = document(traces, "ingest")
    five = sum(one.trace_id in {span.trace_id for span in SPANS[:1]} for one in SPANS)
    assert (7, 1, 1, five) == (read["lines"], read["quarantined"], read["unfinished"], read["duplicates"])
    assert ["2025-11-20"] == read["days"]
    code, out, err = traces("ingest")
    assert 0 == code
    assert out.startswith("0 new spans from 0 lines in ")
    assert "1 line at the end of files" in out
    assert "s of CPU" in err
    assert 5 == len(document(traces, "list")["traces"])


def test_ingest_of_files_and_standard_input_into_a_store_without_a_repository(
    traces: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = live_lines(SPANS)
    (tmp_path / "one.jsonl").write_text("\n".join(lines[:10]))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines[10:12]).encode())))
    read = document(traces, "ingest", "one.jsonl", "-", "--store", "memory://here/traces")
    assert (1, 12, sum(one.trace_id in {json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] for line in lines[:12]} for one in SPANS)) == (
        read["files"], read["lines"], read["spans"]
    )  # fmt: skip
    assert 12 == len(document(traces, "list", "--store", "memory://here/traces")["traces"])
    code, _, err = traces("ingest", "--store", "memory://here/traces")
    assert 2 == code
    assert "has no raw files" in err
    assert 2 == traces("ingest", "nothing.jsonl", "--store", tmp_path / "s")[0]


def test_an_empty_store_says_how_to_fill_it(traces: Run, tmp_path: Path) -> None:
    code, _, err = traces("list", "--store", tmp_path / "none")
    assert 3 == code
    assert "hint: llmops-git traces ingest" in err


def test_many_ingests_of_a_day_are_merged_by_themselves_and_compact_does_the_rest(traces: Run, tmp_path: Path) -> None:
    lines = live_lines(live_spans(requests=20))
    for line in lines:
        (tmp_path / "in.jsonl").write_text(line + "\n")
        traces("ingest", tmp_path / "in.jsonl", "--store", tmp_path / "s")
    manifest = open_store(tmp_path / "s").manifest()
    assert len(manifest.files) < 16
    read = document(traces, "compact", "--store", tmp_path / "s")
    assert (1, len(manifest.files), 1, 0) == (read["days"], read["files_before"], read["files_after"], read["duplicates"])
    assert "nothing to merge\n" == traces("compact", "--store", tmp_path / "s")[1]
    assert 20 == len(ids(traces, tmp_path / "s"))


def test_prune_asks_what_and_shows_before_it_deletes(traces: Run, tmp_path: Path) -> None:
    live_store(tmp_path, SPANS)
    assert 2 == traces("prune", "--store", tmp_path)[0]
    assert 2 == traces("prune", "--store", tmp_path, "--older-than", "ninety days")[0]
    raw = tmp_path / "raw" / "host-0.jsonl"
    os.utime(raw, (1_000_000_000, 1_000_000_000))
    dry = document(traces, "prune", "--store", tmp_path, "--older-than", "7d", "--raw-older-than", "1d", "--dry-run")
    assert (True, len(SPANS), ["2025-11-20"], 2) == (dry["dry_run"], dry["spans"], dry["days"], len(dry["files"]))
    assert raw.exists()
    code, out, _ = traces("prune", "--store", tmp_path, "--older-than", "7d", "--raw-older-than", "1d")
    assert 0 == code
    assert "deleted 2 files" in out
    assert not raw.exists()
    assert [] == open_store(tmp_path).files.names("spans")


def test_forget_deletes_a_user_and_proves_it(traces: Run, tmp_path: Path) -> None:
    live_store(tmp_path, SPANS)
    theirs = having(lambda one: one.attributes[names.USER] == "user-3")
    code, out, _ = traces("forget", "--user", "user-3", "--store", tmp_path, "--dry-run")
    assert (0, f"would delete {len(theirs)} traces\n") == (code, out)
    assert theirs == ids(traces, tmp_path, "--user", "user-3")
    read = document(traces, "forget", "--user", "user-3", "--store", tmp_path)
    count = sum(one.trace_id in theirs for one in SPANS)
    assert (len(theirs), count, count, {}) == (read["traces"], read["spans"], read["raw_spans"], read["proof"]["left"])
    assert len(SPANS) - count == read["proof"]["spans"]
    assert set() == ids(traces, tmp_path, "--user", "user-3")
    code, out, _ = traces("forget", "--user", "user-3", "--store", tmp_path)
    assert (0, "left: 0") == (code, out.splitlines()[2])
    assert 2 == traces("forget", "--store", tmp_path)[0]


def test_forget_ends_with_3_where_something_is_left_elsewhere(traces: Run, tmp_path: Path) -> None:
    export = tmp_path / "collector.jsonl"
    export.write_text("".join(line + "\n" for line in live_lines(SPANS)))
    traces("ingest", export, "--store", tmp_path / "s")
    code, out, _ = traces("forget", "--user", "user-3", "--store", tmp_path / "s")
    assert 3 == code
    assert f"{export}: " in out
    assert "--also FILE" in out
    read = document(traces, "forget", "--user", "user-3", "--store", tmp_path / "s", "--also", export)
    assert {} == read["proof"]["left"]
    assert read["raw_spans"] > 0


def test_hashed_ids_are_found_with_the_salt(traces: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = hmac.new(b"pepper", b"ada", hashlib.sha256).hexdigest()[:16]
    span = Span(
        trace_id="1e" * 16, span_id="b" * 16, name="r", start_ns=START_NS, end_ns=START_NS, attributes={names.USER: hashed}
    )
    live_store(tmp_path, [span, *live_spans(requests=2)])
    monkeypatch.setenv("SALT", "pepper")
    assert set() == ids(traces, tmp_path, "--user", "ada")
    assert {"1e" * 16} == ids(traces, tmp_path, "--user", "ada", "--salt-env", "SALT")
    assert 1 == document(traces, "forget", "--user", "ada", "--salt-env", "SALT", "--store", tmp_path)["traces"]
    code, _, err = traces("forget", "--user", "ada", "--salt-env", "OTHER", "--store", tmp_path)
    assert 2 == code
    assert "OTHER is not set" in err


def test_the_salt_of_the_runtime_is_the_same(tmp_path: Path) -> None:
    from llmops_git.runtime.privacy import user_of
    from llmops_git.traces.users import hashed_user

    assert hashed_user("ada", "pepper") == user_of("ada", "pepper")


@pytest.mark.parametrize(
    "arguments",
    [["list", "--score", "faithful"], ["list", "--slow", "2"], ["list", "--since", "yesterday"], ["list", "--since", "999999w"], ["list", "--limit", "0"],
     ["replay", "abcd"], ["replay", "abcd", "--release", "v1", "--worktree"], ["nothing"]],
)  # fmt: skip
def test_wrong_usage_is_said(traces: Run, store: Path, arguments: list[str]) -> None:
    code, out, err = traces(*arguments, "--store", store)
    assert (2, "") == (code, out)
    assert "Error" in err


def test_a_line_of_the_runtime_that_names_nobody_is_shown_too(traces: Run, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(
        to_otlp_line([Span(trace_id="d" * 32, span_id="e" * 16, name="bare", start_ns=START_NS, end_ns=START_NS + 5)])
    )
    traces("ingest", tmp_path / "in.jsonl", "--store", tmp_path / "s")
    assert "dddddddddddd  11-20 12:00:00  bare" in traces("list", "--store", tmp_path / "s")[1]
    assert "bare  0 ms" in traces("show", "dddd", "--store", tmp_path / "s")[1]


def test_a_full_disk_is_said_and_nothing_is_lost_by_it(traces: Run, tmp_path: Path) -> None:
    """No file may grow beyond a few kilobytes: what a full disk does to every writer."""
    (tmp_path / "in.jsonl").write_text("".join(line + "\n" for line in live_lines(SPANS)))
    for limit in (100, 5_000, 20_000):
        code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\nfrom llmops_git.cli import main; main()"
        command = [sys.executable, "-c", code, "traces", "ingest", str(tmp_path / "in.jsonl"), "--store", str(tmp_path / "s")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert 3 == done.returncode, done.stderr
        assert done.stderr.startswith("error: ")
        assert "fault of llmops-git" not in done.stderr
    assert len(SPANS) == document(traces, "ingest", tmp_path / "in.jsonl", "--store", tmp_path / "s")["spans"]
    assert 60 == len(ids(traces, tmp_path / "s"))


def test_a_damaged_file_of_the_store_is_said(traces: Run, tmp_path: Path) -> None:
    live_store(tmp_path, live_spans(requests=3))
    next((tmp_path / "spans").rglob("*.parquet")).write_bytes(b"PAR1 and then nothing")
    for arguments in (["list"], ["show", "abcd"], ["compact"], ["forget", "--user", "a"]):
        code, out, err = traces(*arguments, "--store", tmp_path)
        assert (3 if arguments != ["compact"] else 0) == code, (arguments, err)
        assert "fault of llmops-git" not in err
        assert out == "" or arguments == ["compact"]


def test_a_place_that_is_no_store_is_not_said_to_hold_nothing_of_a_user(traces: Run, tmp_path: Path) -> None:
    code, out, err = traces("forget", "--user", "ann", "--store", tmp_path / "typo")
    assert (3, "") == (code, out)
    assert f"there is no store in {tmp_path / 'typo'}, so nothing was deleted" in err
    assert not (tmp_path / "typo").exists()
