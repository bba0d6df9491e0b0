"""`monitor check` and `monitor explain` on a real store in a real repository; webhooks on loopback, issues on the fake hub."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakehub.hub import Hub

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, EXIT_USAGE
from llmops_git.monitoring.webhooks import post
from tests.commands.hook_server import hook_server
from tests.monitoring.live_material import DIGESTS, NEW, OLD, START_NS, live_spans, live_store

REQUESTS = 700
NOW = datetime.fromtimestamp(START_NS / 1e9, UTC) + timedelta(minutes=REQUESTS)
RULES = """\
rules:
  - {id: dearer, description: "The new release costs more.", metric: cost.per_request, compare: {to: previous_release, max_ratio: 1.05}, runbook: docs/cost.md}
  - {id: silence, metric: requests, by: [config], window: 1h, compare: {op: lt, value: 1}}
  - {id: slow, metric: latency.p99, window: 1h, min_count: 10, severity: warning, compare: {op: gt, value: 1}}
"""
POLICY = 'version: 1\nwebhooks: {{ops: {{url: "{url}", key_env: HOOK_KEY}}}}\n'


@dataclass(slots=True)
class Live:
    """A repository with two releases, and their traffic."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def write(self, text: str, policy: str = "") -> None:
        (self.folder / "monitors" / "live.yaml").write_text(text)
        if policy:
            (self.folder / "llmops.yaml").write_text(policy)

    def run(self, *arguments: str, now: datetime = NOW) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self.capfd.readouterr()
        timed = ("--now", now.isoformat()) if "--now" not in arguments else ()
        code = run(["-C", str(self.folder), "monitor", *arguments, *timed])
        said = self.capfd.readouterr()
        return code, said.out, said.err

    def document(self, *arguments: str, now: datetime = NOW) -> dict[str, Any]:
        """The JSON of a subcommand, which its schema allows."""
        _, out, _ = self.run(*arguments, "--format", "json", now=now)
        document: dict[str, Any] = json.loads(out)
        validator(f"monitor-{arguments[0]}").validate(document)
        return document


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store, made once."""
    folder = tmp_path_factory.mktemp("traced") / "traces"
    live_store(folder, live_spans(requests=REQUESTS))
    return folder


@pytest.fixture
def live(repository: Path, traced: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Live]:
    (repository / "monitors").mkdir()
    (repository / "docs").mkdir()
    (repository / "docs" / "cost.md").write_text("Look at the prompt.\n")
    (repository / ".llmops").mkdir()
    (repository / ".llmops" / "traces").symlink_to(traced)
    made = Live(repository, monkeypatch, capfd)
    made.write(RULES)

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True)

    git("add", "monitors", "docs")
    git("commit", "-q", "-m", "rules")
    for release, digest in DIGESTS.items():
        git("tag", "-a", release, "-m", f"release\n\nConfig-Digest: {digest}\nClosure-Digest: {digest}\nEval-Digest: {digest}")
    here = Path.cwd()
    yield made
    os.chdir(here)


def test_a_worse_release_fails_the_check_and_is_named_with_traces(live: Live) -> None:
    code, out, err = live.run("check")
    assert EXIT_GATE == code, err
    lines = out.splitlines()
    assert lines[0].startswith(f"firing   dearer (error): config=support-router release={NEW}: cost.per_request $")
    assert f"; {OLD} $" in lines[0]
    assert "fires when more than the previous release by a factor of more than 1.05" in lines[0]
    assert all(line.startswith("         llmops-git traces show ") for line in lines[1:6])
    assert any(line.startswith("firing   slow (warning)") for line in lines)
    assert any(line.startswith("ok       silence: config=support-router: requests 60 of 60") for line in lines)
    assert "3 rules: 1 error, 1 warning fire" == lines[-1]


def test_a_terminal_gets_lines_that_fit_and_a_pipe_gets_whole_ones(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = live.run("check")[1]
    monkeypatch.setattr("llmops_git.commands.monitor._width", lambda: 80)
    broken = live.run("check")[1].splitlines()
    assert max(map(len, whole.splitlines())) > 120
    assert max(map(len, broken)) <= 80
    assert whole.split() == " ".join(broken).split()
    assert broken[1].startswith(" " * 9)


def test_warnings_alone_pass_and_the_document_says_everything(live: Live) -> None:
    live.write(RULES.replace("max_ratio: 1.05", "max_ratio: 5"))
    assert EXIT_OK == live.run("check")[0]
    document = live.document("check")
    assert {"firing": 1, "pending": 0, "too few": 1, "no data": 0, "ok": 2} == document["counts"]
    slow, first, *_ = document["states"]
    assert ("too few", OLD) == (first["state"], first["group"]["release"])
    assert "no release before it" in first["said"]
    assert ("slow", "firing", "warning", 60, {}) == (slow["rule"], slow["state"], slow["severity"], slow["n"], slow["group"])
    assert ([], [], False) == (document["issues"], document["webhooks"], document["dry_run"])


def test_the_trace_ids_are_those_of_dear_requests_of_the_new_release(live: Live, traced: Path) -> None:
    from llmops_git.monitoring.store import open_store
    from llmops_git.traces import attributes as names

    (dearer, *_) = live.document("check")["states"]
    for trace in dearer["traces"]:
        spans = open_store(traced).read_trace(trace)
        assert {NEW} == {span.attributes[names.PROMPT_VERSION] for span in spans}
        assert sum(span.attributes.get(names.COST_USD, 0.0) for span in spans) >= dearer["baseline_value"]


def test_time_can_be_another_one_and_silence_is_heard(live: Live) -> None:
    states = {state["rule"]: state for state in live.document("check", now=NOW + timedelta(hours=3))["states"]}
    assert ("firing", 0) == (states["silence"]["state"], states["silence"]["value"])
    assert "no data" == states["slow"]["state"]
    code, _, err = live.run("check", "--now", "yesterday")
    assert EXIT_USAGE == code
    assert "yesterday is no time as" in err


def test_explain_shows_sql_parameters_values_and_traces(live: Live) -> None:
    code, out, err = live.run("explain", "dearer")
    assert EXIT_OK == code, err
    assert "dearer: The new release costs more.\n  cost.per_request: dollars of a request" in out
    assert "monitors/live.yaml:2" in out
    assert "SELECT config, release, count(*) AS n" in out
    assert "parameters: 2025-08-" in out
    assert f"newest traces of config=support-router release={NEW}" in out
    document = live.document("explain", "slow")
    (histogram, quantile, *_) = (query["sql"] for query in document["queries"])
    assert ("quantile_cont(v, 0.99)" in quantile, "slot" in histogram) == (True, True)
    (state,) = document["states"]
    assert state["low"] < state["value"]  # of 60 values nobody knows how large the largest percent is
    assert state["high"] is None
    code, _, err = live.run("explain", "slw")
    assert EXIT_USAGE == code
    assert "there is no rule `slw`\n\nhint: did you mean `slow`?" in err


def test_what_cannot_be_read_is_not_measured(live: Live, tmp_path: Path) -> None:
    code, _, err = live.run("check", "--store", str(tmp_path / "nothing"))
    assert EXIT_NOT_MEASURED == code
    assert "there are no traces in" in err
    broken = tmp_path / "broken"
    live_store(broken, live_spans(requests=20))
    for file in broken.glob("spans/*/*.parquet"):
        file.write_bytes(b"PAR1 no parquet at all")
    code, _, err = live.run("check", "--store", str(broken))
    assert EXIT_NOT_MEASURED == code
    assert "cannot be read" in err
    live.write(RULES.replace("latency.p99", "latency.p98"))
    code, _, err = live.run("check")
    assert EXIT_USAGE == code
    assert "monitors/live.yaml:4" in err
    (live.folder / "monitors" / "live.yaml").unlink()
    assert "there are no rules in monitors/" in live.run("check")[2]


def test_the_store_of_the_policy_is_read_unless_another_is_named(live: Live, traced: Path) -> None:
    (live.folder / ".llmops" / "traces").unlink()
    live.write(RULES, f"version: 1\ntraces: {{store: {traced}}}\n")
    assert EXIT_GATE == live.run("check")[0]
    assert EXIT_NOT_MEASURED == live.run("check", "--store", "elsewhere")[0]


def test_webhooks_are_told_what_began_and_what_ended_and_nothing_between(live: Live) -> None:
    rule = 'rules:\n  - {id: silence, metric: requests, by: [config], window: 1h, compare: {op: lt, value: 1}, notify: ["webhook:ops"]}\n'
    with hook_server() as hook:
        live.write(rule, POLICY.format(url=hook.url))
        live.monkeypatch.setenv("HOOK_KEY", "secret")
        quiet = NOW + timedelta(hours=1, minutes=10)  # the last request was 70 minutes ago; an hour before, 10 minutes
        key = "monitor/silence/config=support-router"
        _, _, err = live.run("check", now=quiet)
        assert f"webhook ops: tell that {key} began" in err
        assert ([("began", key)], ["Bearer secret"]) == (hook.said, hook.keys)
        (event,) = hook.posted
        validator("monitor-event").validate(event)
        assert ("silence", 0, {"config": "support-router"}) == (
            event["rule"],
            event["states"][0]["value"],
            event["states"][0]["group"],
        )
        live.run("check", now=quiet + timedelta(hours=1))  # still quiet: nothing began
        live.run("check", now=NOW)
        assert 1 == len(hook.posted)
        live.run("check", "--dry-run", now=quiet)
        live.run("check", "--no-notify", now=quiet)
        assert 1 == len(hook.posted)
        began = datetime.fromtimestamp(START_NS / 1e9, UTC)
        live.write(rule.replace("by: [config], ", ""))
        live.run("check", now=began + timedelta(minutes=30))  # an hour before, nothing had come yet
        assert ("ended", "monitor/silence") == hook.said[-1]
        assert (0, []) == (hook.posted[-1]["groups"], hook.posted[-1]["states"])


def test_a_webhook_that_fails_is_asked_again_and_fails_no_check(live: Live) -> None:
    live.write(
        'rules:\n  - {id: slow, metric: latency.p99, window: 1h, min_count: 10, severity: warning, compare: {op: gt, value: 1}, notify: ["webhook:ops"]}\n'
    )
    began = datetime.fromtimestamp(START_NS / 1e9, UTC) + timedelta(minutes=30)
    live.monkeypatch.setattr("time.sleep", lambda _: None)
    with hook_server() as hook:
        (live.folder / "llmops.yaml").write_text(POLICY.format(url=hook.url))
        live.monkeypatch.setenv("HOOK_KEY", "secret")
        code, _, err = live.run("check", now=began)
        assert (EXIT_OK, 1) == (code, len(hook.posted)), err
        live.monkeypatch.delenv("HOOK_KEY")
        code, _, err = live.run("check", now=began)
        assert (EXIT_OK, True) == (code, "not delivered: HOOK_KEY is not set" in err)


def test_posting_gives_up_on_refusals_and_after_three_tries() -> None:
    from llmops_git.configs.policy import Endpoint

    waits: list[float] = []
    with hook_server() as hook:
        endpoint = Endpoint(name="ops", url=hook.url, timeout=5.0)
        hook.statuses = [503, 429, 204]
        assert "" == post(endpoint, {"event": "began"}, environ={}, sleep=waits.append)
        assert (3, 2) == (len(hook.posted), len(waits))
        hook.statuses = [403]
        assert "HTTP 403" == post(endpoint, {"event": "began"}, environ={}, sleep=waits.append)
        hook.statuses = [302]
        assert "HTTP 302" == post(endpoint, {"event": "began"}, environ={}, sleep=waits.append)
        hook.statuses = [500, 500, 500]
        assert "HTTP 500" == post(endpoint, {"event": "began"}, environ={}, sleep=waits.append)
        keyed = Endpoint(name="ops", url=hook.url, key_env="KEY", timeout=5.0)
        assert "the key cannot be sent" == post(keyed, {}, environ={"KEY": "two\nlines"}, sleep=waits.append)
    gone = Endpoint(name="ops", url=hook.url, timeout=5.0)
    assert "ConnectError" == post(gone, {}, environ={}, sleep=waits.append)


def test_issues_are_kept_with_a_token_and_only_then(live: Live, hub: Hub) -> None:
    subprocess.run(["git", "remote", "add", "origin", hub.clone_url()], cwd=live.folder, check=True)
    live.monkeypatch.setenv("GITHUB_API_URL", hub.api_url)
    live.monkeypatch.setenv("GITHUB_REPOSITORY", "octo-org/prompts")
    live.run("check")
    assert {} == hub.repository().issues
    live.monkeypatch.setenv("LLMOPS_TOKEN", hub.token())
    _, _, err = live.run("check", "--dry-run")
    assert ({}, True) == (hub.repository().issues, "issue: would create monitor/dearer/" in err)
    assert EXIT_GATE == live.run("check")[0]
    titles = sorted(issue.title for issue in hub.repository().issues.values())
    assert [f"dearer: config=support-router release={NEW}", "slow: all traffic"] == titles
    live.write(RULES.replace("max_ratio: 1.05", "max_ratio: 5"))
    live.run("check")
    assert ["closed", "open"] == sorted(issue.state for issue in hub.repository().issues.values())


def test_check_shows_mistakes_in_rules_with_those_in_configs(live: Live) -> None:
    live.write(RULES.replace("cost.per_request", "cost.per_reqest"))
    live.capfd.readouterr()
    assert EXIT_USAGE == run(["-C", str(live.folder), "check"])
    said = live.capfd.readouterr()
    assert "monitors/live.yaml:2:" in said.out
    assert "did you mean `cost.per_request`?" in said.out
    assert EXIT_USAGE == run(["-C", str(live.folder), "check", "monitors/live.yaml"])
    assert EXIT_OK == run(["-C", str(live.folder), "check", "monitors/other.yaml"])


@pytest.fixture
def hostile(tmp_path: Path, live: Live) -> Live:
    """Traffic of a feature whose name acts on terminals, logs and Markdown."""
    from llmops_git.traces import attributes as names
    from llmops_git.traces.span import Span

    word = "\x1b[2J\n::error::x @octocat <!-- llmops-git:alert:v1 key=a --> [a](http://b) | `"
    spans = [
        Span(
            trace_id=f"{number + 1:032x}", span_id=f"{number + 1:016x}", name="invoke_workflow x", start_ns=START_NS + number, end_ns=START_NS + number + 10**9,
            attributes={names.OPERATION: names.INVOKE_WORKFLOW, names.PROMPT_NAME: "x", names.FEATURE: word}, error="boom",
        )
        for number in range(60)
    ]  # fmt: skip
    live_store(tmp_path / "hostile", spans)
    live.write("rules:\n  - {id: errors, metric: error_rate, by: [feature], window: 1h, compare: {op: gt, value: 0.1}}\n")
    return live


def test_hostile_groups_act_nowhere(hostile: Live, hub: Hub, tmp_path: Path) -> None:
    subprocess.run(["git", "remote", "add", "origin", hub.clone_url()], cwd=hostile.folder, check=True)
    for name, value in {
        "GITHUB_API_URL": hub.api_url,
        "GITHUB_REPOSITORY": "octo-org/prompts",
        "LLMOPS_TOKEN": hub.token(),
    }.items():
        hostile.monkeypatch.setenv(name, value)
    now = datetime.fromtimestamp(START_NS / 1e9, UTC) + timedelta(minutes=10)
    code, out, err = hostile.run("check", "--store", str(tmp_path / "hostile"), now=now)
    assert EXIT_GATE == code, err
    assert "\x1b" not in out + err
    assert not any(line.lstrip().startswith("::") for line in (out + err).splitlines())
    (issue,) = hub.repository().issues.values()
    assert "\n" not in issue.title
    assert 1 == issue.body.count("<!-- llmops-git:alert")
    assert issue.body.startswith("<!-- llmops-git:alert:v1 key=monitor%2Ferrors%2F")
    assert "@octocat" not in issue.body
    assert "](http" not in issue.body
    hostile.run("check", "--store", str(tmp_path / "hostile"), now=now)
    assert 1 == len(hub.repository().issues)
