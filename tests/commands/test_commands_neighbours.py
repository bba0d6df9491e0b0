"""Several projects in one repository, and one that moves: whose release is it?"""

from __future__ import annotations

import json

from fakehub.hub import Hub

from tests.chat_server import ChatServer
from tests.commands.ci_project import KEY, POLICY, CiProject, config, rows
from tests.commands.test_commands_job_evaluate import CONFIG_PATH, ci, model

__all__ = ["ci", "model"]


def two_projects(ci: CiProject, hub: Hub, model: ChatServer, names: tuple[str, str], skills: tuple[int, int]) -> None:
    """`a` promotes to staging by itself, `b` does not."""
    files: dict[str, str | bytes | None] = {"llmops.yaml": None, CONFIG_PATH: None, "evals/router.jsonl": None}
    for folder, name, value, promotes in zip("ab", names, skills, ("automatic", "manual"), strict=True):
        policy = POLICY.format(url=model.url, key=KEY) + f"environments: {{staging: {{promote: {promotes}}}}}\n"
        files |= {
            f"{folder}/llmops.yaml": policy,
            f"{folder}/prompts/{name}.yaml": config(value).replace("name: router", f"name: {name}"),
            f"{folder}/evals/router.jsonl": rows(),
        }
    hub.commit(files)


def test_projects_of_one_repository_leave_each_others_releases_alone(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    two_projects(ci, hub, model, ("one", "two"), (60, 90))
    second, first = (ci.run("push", hub.event_payload("push"), inside=folder) for folder in "ba")
    assert [["llmops/two/v1.0.0"], ["llmops/one/v1.0.0"]] == [json.loads(done.outputs["tags"]) for done in (second, first)]
    assert (0, 0) == (second.code, first.code), first.out
    assert ["one"] == [each["config"] for each in json.loads(first.outputs["deployed"])]
    for folder in "ab":
        watched = ci.run("schedule", hub.event_payload("schedule"), job="monitor", inside=folder)
        assert (0, []) == (watched.code, list(hub.repository().issues)), watched.out


def test_projects_of_one_repository_do_not_release_under_each_others_names(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    two_projects(ci, hub, model, ("one", "one"), (60, 90))
    first, second = (ci.run("push", hub.event_payload("push"), inside=folder) for folder in "ab")
    assert (0, 2) == (first.code, second.code)
    assert "llmops/one/v1.0.0 is a release of the project in a" in second.out
    assert ["refs/tags/llmops/one/v1.0.0"] == [ref for ref, _, _ in hub.store("octo-org/prompts").refs("refs/tags/")]


def test_a_project_that_moved_is_still_held_against_what_runs(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    policy = POLICY.format(url=model.url, key=KEY) + "environments: {production: {promote: automatic}}\n"
    hub.commit({"llmops.yaml": policy})
    assert ci.run("push", hub.event_payload("push")).code == 0
    gone = dict.fromkeys(("llmops.yaml", CONFIG_PATH, "evals/router.jsonl"))
    hub.commit({**gone, "a/llmops.yaml": policy, f"a/{CONFIG_PATH}": config(61), "a/evals/router.jsonl": rows()})
    hub.commit({f"a/{CONFIG_PATH}": config(95)}, branch="change")
    done = ci.pull_request(hub.open_pull_request(head="change").number, inside="a")
    assert {"merge base", "production"} == {each["against"] for each in done.report["configs"][0]["comparisons"]}


def test_a_project_that_moved_to_another_folder_keeps_its_releases(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    assert ci.run("push", hub.event_payload("push")).code == 0
    policy = POLICY.format(url=model.url, key=KEY)
    gone = dict.fromkeys(("llmops.yaml", CONFIG_PATH, "evals/router.jsonl"))
    hub.commit({**gone, "a/llmops.yaml": policy, f"a/{CONFIG_PATH}": config(95), "a/evals/router.jsonl": rows()})
    done = ci.run("push", hub.event_payload("push"), inside="a")
    assert (0, ["llmops/router/v1.0.1"]) == (done.code, json.loads(done.outputs["tags"])), done.out
    assert ci.run("schedule", hub.event_payload("schedule"), job="monitor", inside="a").code == 0
