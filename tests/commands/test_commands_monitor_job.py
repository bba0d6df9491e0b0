"""`ci monitor` with rules about live traffic: the default branch's, one issue for each alert, and webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakehub.hub import Hub

from llmops_git.monitoring.store import open_store
from tests.chat_server import ChatServer, chat_server
from tests.commands.ci_project import KEY, CiProject
from tests.commands.hook_server import hook_server
from tests.commands.live_requests import live_request
from tests.commands.staged_project import POLICY, release, staged
from tests.commands.test_commands_eval import skill
from tests.commands.test_commands_job_monitor import issues, watch

FIRST, SECOND = "llmops/router/v1.0.0", "llmops/router/v1.0.1"
RULES = """\
rules:
  - {id: worse, metric: error_rate, compare: {to: previous_release, margin: 0.02}, notify: [github_issue, "webhook:ops"]}
  - {id: unreleased, metric: unreleased, by: [config], window: 1d, min_count: 10, severity: warning, compare: {op: gt, value: 0}}
"""


@pytest.fixture(scope="module")
def model() -> Iterator[ChatServer]:
    with chat_server(skill) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made") / "staged.git"


@pytest.fixture
def ci(
    hub: Hub, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], made: Path
) -> CiProject:
    return staged(hub, model, tmp_path, monkeypatch, capfd, made)


def digest(hub: Hub, tag: str) -> str:
    text = hub.store("octo-org/prompts").run("cat-file", "tag", tag)
    return next(line.split()[1] for line in text.splitlines() if line.startswith("Config-Digest: "))


def serve(store: Path, hub: Hub, tag: str, numbers: range, *, errors: int, hours_ago: float) -> None:
    """Requests under a release; one in `errors` fails."""
    served = [
        live_request(number, None, release=tag, digest=digest(hub, tag), error="timeout" if number % errors == 0 else "", hours_ago=hours_ago)
        for number in numbers
    ]  # fmt: skip
    open_store(store).append([span for request in served for span in request])


def rules_on_main(
    hub: Hub, model: ChatServer, store: Path | None, hook: str = "http://127.0.0.1:9/none", rules: str = RULES
) -> None:
    traces = f"traces: {{store: {store}}}\n" if store else ""
    policy = POLICY.format(url=model.url, key=KEY) + f"webhooks: {{ops: {{url: {hook}}}}}\n{traces}"
    hub.commit({"llmops.yaml": policy, "monitors/live.yaml": rules})


def test_a_worse_release_is_one_issue_until_it_is_rolled_back(
    ci: CiProject, hub: Hub, model: ChatServer, tmp_path: Path
) -> None:
    store = tmp_path / "traces"
    release(ci, 90)
    serve(store, hub, FIRST, range(300), errors=100, hours_ago=60)
    serve(store, hub, SECOND, range(1000, 1300), errors=5, hours_ago=2)
    with hook_server() as hook:
        rules_on_main(hub, model, store, hook.url)
        ended = watch(ci)
        assert ended.code == 1, ended.out
        (issue,) = [each for each in issues(hub) if each.state == "open"]
        assert issue.title == f"worse: config=router release={SECOND}"
        assert "20 %" in issue.body
        assert "llmops-git traces show" in issue.body
        assert f"::error title=llmops-git::worse: config=router release={SECOND}" in ended.out
        assert "monitor/worse/" in ended.summary
        key = f"monitor/worse/config=router,release={SECOND.replace('/', '%2F')}"
        assert hook.said == [("began", key)]
        said = issue.body
        assert watch(ci).code == 1
        assert (issues(hub)[0].body, len(issues(hub)), len(hook.posted)) == (said, 1, 1)
        rolled = tmp_path / "rolled"  # as it is a day and a half later: the first release serves again
        serve(rolled, hub, FIRST, range(300), errors=100, hours_ago=96)
        serve(rolled, hub, SECOND, range(1000, 1300), errors=5, hours_ago=38)
        serve(rolled, hub, FIRST, range(2000, 2200), errors=100, hours_ago=3)
        rules_on_main(hub, model, rolled, hook.url)
        ended = watch(ci)
        assert ended.code == 0, ended.out
        assert [each.state for each in issues(hub)] == ["closed"]
        assert hook.said == [("began", key), ("ended", key)]


def test_traffic_of_what_was_never_released_is_a_warning(ci: CiProject, hub: Hub, model: ChatServer, tmp_path: Path) -> None:
    store = tmp_path / "traces"
    open_store(store).append(
        [span for number in range(20) for span in live_request(number, None, release=FIRST, digest="sha256:edited")]
    )
    rules_on_main(hub, model, store)
    ended = watch(ci)
    assert ended.code == 0, ended.out
    assert [each.title for each in issues(hub)] == ["unreleased: config=router"]
    assert "::warning title=llmops-git::unreleased: config=router" in ended.out


def test_without_a_store_the_job_says_so_and_does_the_rest(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    rules_on_main(hub, model, None)
    ended = watch(ci)
    assert (ended.code, issues(hub)) == (0, []), ended.out
    assert "live traffic is not watched: llmops.yaml names no store of traces" in ended.out


def test_a_store_that_cannot_be_read_is_not_taken_for_a_quiet_one(
    ci: CiProject, hub: Hub, model: ChatServer, tmp_path: Path
) -> None:
    store = tmp_path / "traces"
    open_store(store).append(
        [span for number in range(20) for span in live_request(number, None, release=FIRST, digest="sha256:edited")]
    )
    rules_on_main(hub, model, store)
    watch(ci)
    rules_on_main(hub, model, tmp_path / "gone")
    ended = watch(ci)
    assert ended.code == 3, ended.out
    assert "live traffic is not watched: there are no traces in" in ended.out
    assert [each.state for each in issues(hub)] == ["open"]
    rules_on_main(hub, model, store, rules=RULES.replace("metric: unreleased", "metric: unrelased"))
    ended = watch(ci)
    assert ended.code == 2, ended.out
    assert [each.state for each in issues(hub)] == ["open"]
