"""`ci evaluate` in shards and `ci merge` on the fake hub, with a real git, a real HTTP client and a model that answers by script."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakehub.hub import Hub

from tests.chat_server import ChatServer, chat_server
from tests.commands.ci_project import KEY, POLICY, CiProject, Done, config, rows
from tests.commands.test_commands_eval import CASES, skill
from tests.commands.test_commands_job_evaluate import gate, head_of, propose

CONFIG_PATH = "prompts/router.yaml"
OF = 3


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with chat_server(skill) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture
def ci(
    hub: Hub, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CiProject:
    """A project of skill 60 on main."""
    files = {"llmops.yaml": POLICY.format(url=model.url, key=KEY), CONFIG_PATH: config(60), "evals/router.jsonl": rows()}
    hub.commit(files, "first")
    return CiProject(hub, tmp_path, monkeypatch, capfd)


def shards(ci: CiProject, number: int, numbers: tuple[int, ...] = (1, 2, 3), **facts: object) -> Path:
    """The folder with the artifacts of the legs of the matrix, as actions/download-artifact leaves it."""
    place = ci.folder / "artifacts"
    for each in numbers:
        done = ci.pull_request(number, shard=f"{each}/{OF}", **facts)
        assert (0, True) == (done.code, f"Shard {each} of {OF}" in done.summary), done.out
        shutil.rmtree(place / f"llmops-shard-{each}", ignore_errors=True)
        shutil.copytree(done.outputs["report-dir"], place / f"llmops-shard-{each}")
    return place


def merge(ci: CiProject, number: int, place: Path, **facts: object) -> Done:
    return ci.pull_request(number, job="merge", shards=str(place), **facts)


def test_shards_say_nothing_and_the_merge_says_everything(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    place = shards(ci, number)
    assert ([], "", 2 * CASES) == (hub.comments(number), gate(hub, number), len(model.asked))
    ci.key = ""  # the job that merges needs none
    done = merge(ci, number, place)
    assert (0, "improved", "true", ["router"]) == (
        done.code, done.outputs["verdict"], done.outputs["gate-passes"], json.loads(done.outputs["changed"])
    ), done.out  # fmt: skip
    assert ("success", 2 * CASES) == (gate(hub, number), len(model.asked))
    (comment,) = hub.comments(number)
    assert "Improved: ship it" in comment.body
    names = {"report.json", "run.json", "comment.md", "traces.jsonl", "junit.xml", "report.html"}
    assert names <= {path.name for path in Path(done.outputs["report-dir"]).iterdir()}


def test_a_regression_is_stopped_by_the_merge(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(10)})
    done = merge(ci, number, shards(ci, number))
    assert (1, "regressed", "failure") == (done.code, done.outputs["verdict"], gate(hub, number))


def test_a_missing_shard_is_an_error_that_the_pull_request_shows(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = merge(ci, number, shards(ci, number, (1, 3)))
    assert (2, "error") == (done.code, gate(hub, number))
    (comment,) = hub.comments(number)
    assert "of 3 shards, 2 is missing" in comment.body


def test_shards_of_an_older_head_are_refused(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    place = shards(ci, number)
    hub.commit({CONFIG_PATH: config(10)}, branch="change")
    done = merge(ci, number, place)
    assert (2, "error") == (done.code, gate(hub, number))
    assert "the shards are of another head" in done.out


def test_shards_under_a_policy_that_was_replaced_meanwhile_are_refused(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    place = shards(ci, number)
    hub.commit({"llmops.yaml": POLICY.format(url=model.url, key=KEY) + "gate: {on_inconclusive: block}\n"}, branch="main")
    done = merge(ci, number, place)
    assert (2, True) == (done.code, "the shards are of another policy" in done.out)


def test_a_change_that_concerns_no_config_is_merged_in_no_time(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {"README.md": "# words\n"})
    done = merge(ci, number, shards(ci, number))
    assert (0, "no-changes", "success", []) == (done.code, done.outputs["verdict"], gate(hub, number), model.asked)


def test_without_a_key_the_shards_plan_and_the_merge_says_why(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    ci.key = ""
    place = ci.folder / "artifacts"
    for each in (1, 2, 3):
        done = ci.pull_request(number, shard=f"{each}/{OF}")
        assert 3 == done.code
        shutil.copytree(done.outputs["report-dir"], place / f"llmops-shard-{each}")
    done = merge(ci, number, place)
    assert (3, "invalid", "error") == (done.code, done.outputs["verdict"], gate(hub, number))
    assert "is not set in this job" in hub.comments(number)[0].body


def keep(hub: Hub, run: int, done: Done, attempt: int) -> None:
    """Upload the report of a merge as the workflow does."""
    folder = Path(done.outputs["report-dir"])
    files = {name: (folder / name).read_bytes() for name in ("run.json", "report.json")}
    hub.add_artifact(run, f"llmops-git-default-{attempt}", files)


def repeats(done: Done) -> set[int]:
    document = json.loads((Path(done.outputs["report-dir"]) / "run.json").read_text())
    return {sample["repeat"] for entry in document["runs"] for sample in entry["samples"]}


def test_a_rerun_of_all_shards_adds_samples_and_a_rerun_of_the_merge_adds_none(
    ci: CiProject, hub: Hub, model: ChatServer
) -> None:
    number = propose(hub, {CONFIG_PATH: config(70)})
    run = hub.add_run(head_oid=head_of(hub, number), head_branch="change")
    first = merge(ci, number, shards(ci, number, run_id=run.id), run_id=run.id)
    keep(hub, run.id, first, 1)
    again = merge(ci, number, ci.folder / "artifacts", run_id=run.id, attempt=2)  # only the job that merges
    assert ({0}, first.report["configs"]) == (repeats(again), again.report["configs"])
    asked = len(model.asked)
    second = merge(ci, number, shards(ci, number, run_id=run.id, attempt=2), run_id=run.id, attempt=2)
    assert ({0, 1}, 2 * asked) == (repeats(second), len(model.asked))
    keep(hub, run.id, second, 2)
    third = merge(ci, number, ci.folder / "artifacts", run_id=run.id, attempt=3)
    assert ({0, 1}, second.report["configs"]) == (repeats(third), third.report["configs"])


def test_one_leg_that_ran_again_does_not_fit_to_the_others(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(70)})
    run = hub.add_run(head_oid=head_of(hub, number), head_branch="change")
    keep(hub, run.id, merge(ci, number, shards(ci, number, run_id=run.id), run_id=run.id), 1)
    place = shards(ci, number, (2,), run_id=run.id, attempt=2)
    done = merge(ci, number, place, run_id=run.id, attempt=2)
    assert (2, True) == (done.code, "the number of the first repeat differs" in done.out)


def test_new_samples_are_no_verdict_without_those_before_them(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(70)})
    run = hub.add_run(head_oid=head_of(hub, number), head_branch="change")
    keep(hub, run.id, merge(ci, number, shards(ci, number, run_id=run.id), run_id=run.id), 1)
    place = shards(ci, number, run_id=run.id, attempt=2)
    hub.repository().artifacts.clear()
    done = merge(ci, number, place, run_id=run.id, attempt=2)
    assert (2, True) == (done.code, "the shards add to an earlier attempt" in done.out)


def test_the_merge_needs_folders(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = ci.pull_request(number, job="merge")
    assert (2, True) == (done.code, "`merge` needs the folders of the shards" in done.out)


@pytest.mark.parametrize("text", ["4/3", "x"])
def test_a_shard_that_is_none_is_an_error(ci: CiProject, hub: Hub, text: str) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = ci.pull_request(number, shard=text)
    assert (2, True) == (done.code, "is not a shard" in done.out)
