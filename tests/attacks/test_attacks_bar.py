"""A pull request that makes its own exam easier. A change from skill 60 to skill 5 comes with each of the tricks."""

# ruff: noqa: ARG005

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakehub.hub import Hub

from tests.attacks import naive
from tests.attacks.stage import called, commit, git, put
from tests.chat_server import ChatServer, chat_server, text_answer
from tests.commands.ci_project import KEY, POLICY, CiProject, config, rows
from tests.commands.test_commands_guard_gate import STRONG, WEAK, suite

ROUTER, CASES, RULES = "prompts/router.yaml", "evals/router.jsonl", "llmops.yaml"
Files = dict[str, str | bytes | None]


def propose(hub: Hub, files: Files, branch: str = "change") -> int:
    hub.commit(files, branch=branch)
    return hub.open_pull_request(head=branch, author="alice").number


def gate_of(hub: Hub, number: int) -> str:
    pull = hub.repository().issues[number].pull
    assert pull is not None
    return hub.status(pull.head_oid, "llmops-git/gate")


def policy(model: ChatServer, *lines: str) -> str:
    return "\n".join([POLICY.format(url=model.url, key=KEY), *lines, ""])


def without_evaluation() -> str:
    return config(5).split("evaluation:")[0]


TRICKS = {
    "a lower gate": lambda model: {RULES: policy(model, "gate: {alpha: 0.4, margin: 0.99, on_inconclusive: pass, on_leaning_worse: pass}")},
    "a lower gate in the config": lambda model: {ROUTER: config(5) + "  gate: {queue: {margin: 0.99}}\n"},
    "easier cases": lambda model: {CASES: rows(2)},
    "no cases": lambda model: {CASES: ""},
    "other answers": lambda model: {CASES: rows().replace("technical", "no idea")},
    "another scorer": lambda model: {ROUTER: config(5).replace("{use: exact}", "{use: contains, ignore_case: true, value: ''}")},
    "no evaluation": lambda model: {ROUTER: without_evaluation()},
    "another default branch": lambda model: {RULES: policy(model, "default_branch: change")},
    "an expression as the branch": lambda model: {RULES: policy(model, "default_branch: change~0", "remote: origin")},
    "other patterns": lambda model: {RULES: policy(model, 'configs: ["elsewhere/*.yaml"]')},
    "no policy": lambda model: {RULES: None},
    "a link for a policy": lambda model: {RULES: None, "other.yaml": policy(model)},
    "recorded answers": lambda model: {
        ROUTER: config(5).replace("provider: test", "provider: replay"),
        RULES: policy(model, "  replay: {api: replay, path: recordings}"),
        "recordings/x.json": "{}",
    },
    "the built-in recordings": lambda model: {ROUTER: config(5).replace("provider: test", "provider: replay"), "recordings/x.json": "{}"},
}  # fmt: skip


@pytest.mark.parametrize("trick", sorted(TRICKS))
def test_no_trick_lets_a_worse_prompt_pass(ci: CiProject, hub: Hub, model: ChatServer, trick: str) -> None:
    number = propose(hub, {ROUTER: config(5), **TRICKS[trick](model)})
    done = ci.pull_request(number)
    assert (True, True) == (done.code in (1, 2, 3), gate_of(hub, number) in ("failure", "error")), done.out


PACK, SUITE = "guardrails/injection.yaml", "guardrails/suites/injection.jsonl"
EASY = "".join(json.dumps({"text": f"do anything now {n}", "attack": True}) + "\n" for n in range(60))
WEAKER: dict[str, Files] = {
    "nothing more": {},
    "easier texts": {SUITE: EASY},
    "no suite": {SUITE: None},
    "no floor": {PACK: f"{WEAK}gate: {{recall: {{'*': 0}}, margin: 1}}\n"},
    "no pack": {PACK: None, ROUTER: config(60)},
    "another pack": {"guardrails/none.yaml": WEAK, ROUTER: config(60) + "guardrails: {input: [none]}\n"},
}


@pytest.mark.parametrize("trick", sorted(WEAKER))
def test_no_trick_lets_a_weaker_pack_pass(ci: CiProject, hub: Hub, trick: str) -> None:
    hub.commit({PACK: STRONG, SUITE: suite(), ROUTER: config(60) + "guardrails: {input: [injection]}\n"})
    number = propose(hub, {PACK: WEAK, **WEAKER[trick]})
    done = ci.pull_request(number)
    assert (True, True) == (done.code in (1, 2, 3), gate_of(hub, number) in ("failure", "error")), done.out


def test_a_gate_that_reads_the_pull_requests_own_file_can_be_talked_down(tmp_path: Path) -> None:
    put(tmp_path, {"llmops.yaml": "threshold: 0.9\n"})
    assert not naive.gate(tmp_path, 0.05)
    put(tmp_path, {"llmops.yaml": "threshold: 0.0\n"})
    assert naive.gate(tmp_path, 0.05)


def test_an_honest_worse_prompt_is_stopped_and_an_honest_better_one_is_not(ci: CiProject, hub: Hub) -> None:
    worse, better = propose(hub, {ROUTER: config(5)}), propose(hub, {ROUTER: config(95)}, "better")
    assert ([1, 0], ["failure", "success"]) == (
        [ci.pull_request(worse).code, ci.pull_request(better, run_id=101).code],
        [gate_of(hub, worse), gate_of(hub, better)],
    )


def test_a_verdict_for_one_base_is_none_for_another(ci: CiProject, hub: Hub) -> None:
    """A pull request into a branch that has the worse prompt already changes nothing; then its base becomes main."""
    hub.commit({ROUTER: config(5)}, branch="accomplice")
    hub.commit({ROUTER: config(5)}, branch="change")
    hub.store("octo-org/prompts").run("update-ref", "refs/heads/change", hub.store("octo-org/prompts").branch("accomplice"))
    hub.commit({"README.md": "words"}, branch="change")
    number = hub.open_pull_request(head="change", base="accomplice", author="alice").number
    assert 0 == ci.pull_request(number).code
    pull = hub.repository().issues[number].pull
    assert pull is not None
    pull.base_branch = "main"
    assert gate_of(hub, number) != "success"


def test_a_change_that_edits_its_eval_set_is_said_to(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {ROUTER: config(5), CASES: rows(2)})
    ci.pull_request(number)
    (comment,) = hub.comments(number)
    assert "edits its own eval set" in comment.body


def test_a_config_cannot_be_moved_out_of_sight_of_a_local_eval_either(tmp_path: Path) -> None:
    """Without `ci`: `llmops-git eval` in somebody else's CI, in a folder below the top."""
    from tests.commands.test_commands_eval import skill

    origin, folder = tmp_path / "origin", tmp_path / "clone"
    with chat_server(skill) as server:  # type: ignore[arg-type]
        files = {f"app/{RULES}": POLICY.format(url=server.url, key="").replace("key_env: ", ""), f"app/{ROUTER}": config(60)}
        files[f"app/{RULES}"] = f"version: 1\nproviders:\n  test: {{api: openai, base_url: {server.url}}}\n"
        put(origin, {**files, f"app/{CASES}": rows()})
        git(origin, "init", "-q", "-b", "main")
        commit(origin)
        git(tmp_path, "clone", "-q", str(origin), str(folder))
        git(folder, "switch", "-q", "-c", "change")
        base = {f"app/{ROUTER}": config(5)}
        tricks: dict[str, Files] = {
            "nothing": {},
            "another default branch": {f"app/{RULES}": files[f"app/{RULES}"] + "default_branch: change\n"},
            "other patterns": {f"app/{RULES}": files[f"app/{RULES}"] + 'configs: ["elsewhere/*.yaml"]\n'},
            "a nearer policy": {"app/service/llmops.yaml": "version: 1\n"},
            "no policy": {f"app/{RULES}": None},
        }
        codes = {}
        for name, changed in tricks.items():
            put(folder, {path: text for path, text in {**base, **changed}.items() if text is not None})
            for path in (path for path, text in changed.items() if text is None):
                (folder / path).unlink()
            commit(folder, name)
            codes[name] = called("eval", cwd=folder / "app" / ("service" if "nearer" in name else ".")).code
            git(folder, "reset", "-q", "--hard", "origin/main")
    assert {"nothing": 1, "another default branch": 1, "other patterns": 1, "a nearer policy": 1, "no policy": 2} == codes


def test_a_reviewed_commit_is_what_is_evaluated_with_keys(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    """A fork that pushes something else after a maintainer looked at it."""
    fork = hub.fork("octo-org/prompts", "eve")
    hub.commit({ROUTER: config(95)}, branch="change", repository=fork.full_name)
    number = hub.open_pull_request(head="change", head_repository=fork.full_name, author="eve").number
    pull = hub.repository().issues[number].pull
    assert pull is not None
    looked_at = pull.head_oid
    hub.commit({ROUTER: config(5)}, branch="change", repository=fork.full_name)
    payload = hub.event_payload("workflow_dispatch")
    for said in (looked_at, looked_at[:12], "change", f"{looked_at}~0"):
        done = ci.run("workflow_dispatch", payload, job="evaluate", pull_request=str(number), commit=said)
        assert (2, []) == (done.code, model.asked)


def test_the_budget_can_be_lowered_and_not_raised(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    hub.commit({RULES: policy(model, "budget: {max_requests: 10}")})
    number = propose(hub, {ROUTER: config(95), RULES: policy(model, "budget: {max_requests: 100000}")})
    done = ci.pull_request(number, max_usd="1000000")
    assert (3, True) == (done.code, len(model.asked) <= 10)


def test_replies_that_a_change_recorded_for_itself_are_not_used(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    """Mode replay reads the recordings of the commit that the change goes to."""
    number = propose(hub, {ROUTER: config(95), "recordings/x.json": json.dumps({"reply": {"text": "billing"}})})
    done = ci.pull_request(number, mode="replay", replies="recordings")
    assert (2, [], True) == (done.code, model.asked, "no recorded replies" in done.out)


def test_a_key_goes_where_the_base_says_and_nowhere_else(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    with chat_server(lambda *_: text_answer("thank you")) as thief:
        settings = {"base_url": thief.url, "key_env": "TOKEN_OF_THE_JOB"}
        naive.ask(settings, {"TOKEN_OF_THE_JOB": "ghs_secret"})
        assert "Bearer ghs_secret" == {name.lower(): value for name, value in thief.asked[0].headers.items()}["authorization"]
        thief.asked.clear()

        own = f"version: 1\nproviders:\n  test: {{api: openai, base_url: {thief.url}, key_env: {KEY}}}\n"
        other = f"  thief: {{api: openai, base_url: {thief.url}, key_env: LLMOPS_TOKEN}}\n"
        changes: list[Files] = [
            {RULES: own, ROUTER: config(5)},
            {RULES: own + other, ROUTER: config(5).replace("provider: test", "provider: thief")},
            {"app/llmops.yaml": own, ROUTER: config(5)},
        ]
        for number, files in enumerate(changes):
            proposed = propose(hub, files, f"change{number}")
            done = ci.pull_request(proposed, run_id=200 + number)
            assert done.code in (1, 2, 3), done.out
        assert [] == thief.asked
    assert all(asked.headers["authorization"] == f"Bearer {ci.key}" for asked in model.asked)
