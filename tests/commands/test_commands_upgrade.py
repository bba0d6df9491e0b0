"""`llmops-git upgrade` on real repositories, a model that is as good as its id, and a real forge's interface."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakehub.hub import Hub

from tests.chat_server import ChatServer, chat_server, error_answer
from tests.commands.release_project import Folder
from tests.commands.upgrade_project import BETTER, CONFIG, OLD, WORSE, answer, files


@dataclass(slots=True)
class Setup:
    """A bare remote with one clone of it."""

    clone: Folder
    bare: Folder
    server: ChatServer

    def branches(self) -> list[str]:
        return self.bare.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    with chat_server(answer) as server:
        bare, clone = Folder(tmp_path / "remote.git"), Folder(tmp_path / "clone")
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare.path)], check=True)
        subprocess.run(["git", "clone", "-q", bare.path.as_uri(), str(clone.path)], check=True, stderr=subprocess.PIPE)
        write(clone, files(server.url, "router", "other"))
        clone.git("switch", "-q", "-c", "main")
        clone.commit("first")
        yield Setup(clone, bare, server)


def write(folder: Folder, contents: dict[str, str]) -> None:
    for path, text in contents.items():
        (folder.path / path).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / path).write_bytes(text.encode())


def config(model: str, name: str = "router") -> str:
    return CONFIG.format(name=name, model=model)


def read(folder: Folder, name: str = "router") -> str:
    return (folder.path / "prompts" / f"{name}.yaml").read_bytes().decode()


# --- in the work tree ---


def test_a_better_model_is_pinned_and_passes_the_gate(setup: Setup) -> None:
    code, out, err = setup.clone.run("upgrade", "router", "--model", BETTER)
    assert (0, config(BETTER), config(OLD, "other")) == (code, read(setup.clone), read(setup.clone, "other")), err
    assert out.startswith(f"pinned prompts/router.yaml:3 test/{OLD} -> test/{BETTER}\n✓ Improved")
    assert {OLD, BETTER} == {asked.body["model"] for asked in setup.server.asked}
    assert 60 == len(setup.server.asked)


def test_a_worse_model_ends_with_1_and_says_how_to_go_back(setup: Setup) -> None:
    code, out, err = setup.clone.run("upgrade", "router", "--model", WORSE)
    assert (1, config(WORSE)) == (code, read(setup.clone))
    assert "✗ Regressed" in out
    assert "hint: git restore prompts/router.yaml" in err


def test_line_ends_on_disk_stay_as_they_are(setup: Setup) -> None:
    windows = config(OLD).replace("\n", "\r\n")
    write(setup.clone, {".gitattributes": "*.yaml text eol=crlf\n"})
    setup.clone.commit("windows")
    write(setup.clone, {"prompts/router.yaml": windows})
    assert 0 == setup.clone.run("upgrade", "router", "--model", BETTER, "--no-eval")[0]
    assert windows.replace(OLD, BETTER) == read(setup.clone)


def test_without_evaluation_nobody_is_asked(setup: Setup) -> None:
    code, _out, _err = setup.clone.run("upgrade", "router", "--model", WORSE, "--no-eval")
    assert (0, config(WORSE), []) == (code, read(setup.clone), setup.server.asked)


def test_a_dry_run_changes_and_asks_nothing(setup: Setup) -> None:
    code, out, _err = setup.clone.run("upgrade", "router", "--model", BETTER, "--dry-run")
    assert (0, f"would pin prompts/router.yaml:3 test/{OLD} -> test/{BETTER}\n") == (code, out)
    assert (config(OLD), [], ["main"]) == (read(setup.clone), setup.server.asked, setup.branches())


def test_all_configs_with_a_pin_are_upgraded_together(setup: Setup) -> None:
    write(setup.clone, {"prompts/new.yaml": config(BETTER, "new"), "prompts/broken.yaml": "model: [\n"})
    document = setup.clone.json("upgrade", "--from", f"test/{OLD}", "--model", BETTER, "--no-eval")
    assert ["prompts/other.yaml", "prompts/router.yaml"] == [edit["path"] for edit in document["edits"]]
    assert (config(BETTER), config(BETTER, "other")) == (read(setup.clone), read(setup.clone, "other"))


def test_the_json_form_carries_the_edits_and_the_report(setup: Setup) -> None:
    document = setup.clone.json("upgrade", "router", "--model", WORSE, code=1)
    assert {
        "path": "prompts/router.yaml",
        "line": 3,
        "provider_before": "test",
        "model_before": OLD,
        "provider": "test",
        "model": WORSE,
    } == document["edits"][0]
    assert (False, "regressed", "") == (document["gate_passes"], document["report"]["verdict"], document["branch"])


def test_the_pin_of_a_judge_is_evaluated_through_the_configs_that_it_judges(setup: Setup) -> None:
    judge = f"kind: judge\nmodel: {{provider: test, id: {OLD}}}\nmessages: [{{role: user, content: 'Judge. {{{{ inputs.message }}}}'}}]\nscale: {{labels: {{billing: 1, technical: 0, sales: 0}}}}\n"
    judged = config(OLD).replace("queue: {use: exact}", "right: {use: judge, judge: ../judges/kind.yaml}")
    write(setup.clone, {"judges/kind.yaml": judge, "prompts/router.yaml": judged})
    setup.clone.commit("judge")
    document = setup.clone.json("upgrade", "judges/kind.yaml", "--model", BETTER, code=0)
    assert ["router"] == [entry["config"] for entry in document["report"]["configs"]]
    assert judge.replace(OLD, BETTER) == (setup.clone.path / "judges" / "kind.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["router", "--model", OLD], "pinned to test/middling-2026-01-01 already"),
        (["router", "--model", "gpt-6-luna", "--provider", "openai"], "`gpt-6-luna` is an alias that openai can move"),
        (["router", "--model", "x-latest"], "`x-latest` moves with every release"),
        (["router", "--model", "x", "--provider", "tset"], "there is no provider `tset`"),
        (["router", "--model", "x", "--provider", "local"], "provider `local` has no model `x`"),
        (["router", "--model", "a b"], "'a b' is not a model id"),
        (["ruoter", "--model", "x"], "there is no config `ruoter`"),
        (["prompts/broken.yaml", "--model", "x"], "prompts/broken.yaml"),
        (["--from", "nobody", "--model", "x"], "no config is pinned to `nobody`"),
        (["--model", "x"], "which config?"),
        (["router", "--model", "x", "--branch", "b"], "--branch and --anyway are for"),
        (["router", "--model", "x", "--push", "--branch", "main"], "`main` is not a branch for a pull request"),
        (["router", "--model", "x", "--push", "--branch", "llmops/env/production"], "is not a branch for a pull request"),
        (["router", "--model", "x", "--push", "--branch", "a..b"], "cannot be the name of a branch"),
        (["router", "--model", "x", "--push", "--branch=-f"], "cannot be the name of a branch"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_changed(setup: Setup, arguments: list[str], message: str) -> None:
    write(setup.clone, {"prompts/broken.yaml": "name: broken\nmodel: {provider: test, id: x}\n"})
    code, _out, err = setup.clone.run("upgrade", *arguments)
    assert (2, True) == (code, message in err), err
    assert (config(OLD), [], ["main"]) == (read(setup.clone), setup.server.asked, setup.branches())


def test_an_alias_may_be_pinned_where_the_config_allows_it(setup: Setup) -> None:
    write(setup.clone, {"prompts/router.yaml": config(OLD).replace("parameters", "allow_floating: true, parameters")})
    assert 0 == setup.clone.run("upgrade", "router", "--model", "x-latest", "--no-eval")[0]
    assert "id: 'x-latest' ," in read(setup.clone)


# --- on a branch ---


def tip(setup: Setup, branch: str = f"llmops/upgrade/router/{BETTER}") -> str:
    return setup.bare.git("rev-parse", branch)


def test_a_branch_is_pushed_with_one_commit_and_no_work_tree_is_touched(setup: Setup) -> None:
    write(setup.clone, {"prompts/router.yaml": "nonsense: true\n"})
    (setup.clone.path / "prompts" / "other.yaml").chmod(0o755)
    setup.clone.git("commit", "-q", "-m", "executable", "prompts/other.yaml")
    setup.clone.git("push", "-q", "origin", "main")
    code, out, err = setup.clone.run("upgrade", "router", "other", "--model", BETTER, "--push")
    branch = f"llmops/upgrade/other-router/{BETTER}"
    assert (0, "nonsense: true\n", ["llmops/upgrade/other-router/better-2026-02-02", "main"]) == (
        code,
        read(setup.clone),
        setup.branches(),
    ), err
    assert setup.clone.git("rev-parse", "HEAD") == setup.bare.git("rev-parse", f"{branch}^")
    assert ["prompts/other.yaml", "prompts/router.yaml"] == setup.bare.git("diff", "--name-only", "main", branch).split()
    assert config(BETTER) == setup.bare.git("show", f"{branch}:prompts/router.yaml") + "\n"
    assert "100755" == setup.bare.git("ls-tree", branch, "prompts/other.yaml").split()[0]
    assert "✓ Improved" in out
    assert f"pushed {branch}" in err


def test_nothing_is_pushed_when_the_gate_says_no_unless_anyway(setup: Setup) -> None:
    code, _out, err = setup.clone.run("upgrade", "router", "--model", WORSE, "--push")
    assert (1, ["main"]) == (code, setup.branches())
    assert "nothing was pushed" in err
    code, _out, err = setup.clone.run("upgrade", "router", "--model", WORSE, "--push", "--anyway")
    assert (0, [f"llmops/upgrade/router/{WORSE}", "main"]) == (code, setup.branches())


def test_a_second_run_finds_its_branch_as_it_is(setup: Setup) -> None:
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push")
    first = tip(setup)
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push")
    assert first == tip(setup)


def test_when_the_default_branch_moves_on_so_does_the_branch_without_force(setup: Setup) -> None:
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push")
    first = tip(setup)
    write(setup.clone, {"README.md": "more\n"})
    newest = setup.clone.commit("more")
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push", "--no-eval")
    assert [first, newest] == setup.bare.git("rev-parse", f"llmops/upgrade/router/{BETTER}^@").split()
    assert ["prompts/router.yaml"] == setup.bare.git("diff", "--name-only", "main", tip(setup)).split()
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push", "--no-eval")
    assert [first, newest] == setup.bare.git("rev-parse", f"{tip(setup)}^@").split()


@pytest.mark.parametrize("below", [False, True])
def test_commits_of_somebody_else_are_never_moved_away(setup: Setup, below: bool) -> None:
    branch = f"llmops/upgrade/router/{BETTER}"
    setup.clone.git("switch", "-q", "-c", "theirs")
    write(setup.clone, {"notes.md": "mine\n"})
    theirs = setup.clone.commit("Made by llmops-git", push=False)
    if below:  # just our edit, but on top of something that is not on the default branch
        write(setup.clone, {"prompts/router.yaml": config(BETTER)})
        theirs = setup.clone.commit("Upgrade router", push=False)
    setup.clone.git("push", "-q", "origin", f"theirs:refs/heads/{branch}")
    setup.clone.git("switch", "-q", "main")
    code, _out, err = setup.clone.run("upgrade", "router", "--model", BETTER, "--push")
    assert (2, theirs) == (code, tip(setup))
    assert f"the branch `{branch}` holds commits that somebody else made" in err


def test_the_branch_of_an_upgrade_that_was_merged_and_undone_is_used_again(setup: Setup) -> None:
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push", "--no-eval")
    setup.clone.git("pull", "-q", "--no-edit", "origin", f"llmops/upgrade/router/{BETTER}")
    write(setup.clone, {"prompts/router.yaml": config(OLD)})
    back = setup.clone.commit("back")
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push", "--no-eval")
    assert back == setup.bare.git("rev-parse", f"{tip(setup)}^")


def test_in_a_shallow_clone_the_branch_is_recognised(setup: Setup, tmp_path: Path) -> None:
    setup.clone.ok("upgrade", "router", "--model", BETTER, "--push", "--no-eval")
    first = tip(setup)
    write(setup.clone, {"README.md": "more\n"})
    setup.clone.commit("more")
    subprocess.run(["git", "clone", "-q", "--depth=1", setup.bare.path.as_uri(), str(tmp_path / "shallow")], check=True)
    Folder(tmp_path / "shallow").ok("upgrade", "router", "--model", BETTER, "--push", "--no-eval")
    assert first == setup.bare.git("rev-parse", f"{tip(setup)}^1")


def test_a_model_with_a_strange_name_has_a_branch_all_the_same(setup: Setup) -> None:
    model = "@cf/meta:llama~3..1^{}?*[x].lock"
    document = setup.clone.json("upgrade", "router", "--model", model, "--push", "--no-eval")
    assert document["branch"] in setup.branches()
    assert f"id: '{model}'" in setup.bare.git("show", f"{document['branch']}:prompts/router.yaml")


def test_without_a_token_nothing_is_measured_for_a_pull_request(setup: Setup) -> None:
    code, _out, err = setup.clone.run("upgrade", "router", "--model", BETTER, "--pull-request")
    assert (2, []) == (code, setup.server.asked)
    assert "a pull request needs a token" in err


# --- with a forge ---


@dataclass(slots=True)
class OnHub:
    hub: Hub
    clone: Folder

    def pulls(self) -> list[Any]:
        return [issue for issue in self.hub.repository().issues.values() if issue.pull]


@pytest.fixture
def on_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnHub]:
    with chat_server(answer) as server:
        hub.commit(files(server.url))
        token = hub.token()
        monkeypatch.setenv("LLMOPS_TOKEN", token)
        monkeypatch.setenv("GITHUB_API_URL", hub.api_url)
        subprocess.run(["git", "clone", "-q", hub.clone_url(token=token), str(tmp_path / "clone")], check=True)
        yield OnHub(hub, Folder(tmp_path / "clone"))


def test_a_pull_request_carries_the_evidence(on_hub: OnHub) -> None:
    document = on_hub.clone.json("upgrade", "router", "--model", BETTER, "--pull-request")
    [issue] = on_hub.pulls()
    assert f"Upgrade router from {OLD} to {BETTER}" == issue.title
    assert (f"llmops/upgrade/router/{BETTER}", "main") == (issue.pull.head_branch, issue.pull.base_branch)
    assert document["pull_request"].endswith(f"/pull/{issue.number}")
    assert "Improved" in issue.body
    assert f"| <code>prompts/router.yaml</code> | <code>test</code> <code>{OLD}</code> |" in issue.body
    assert "llmops-git upgrade router --model" in issue.body


def test_a_second_run_brings_the_same_pull_request_up_to_date(on_hub: OnHub) -> None:
    on_hub.clone.ok("upgrade", "router", "--model", BETTER, "--pull-request", "--no-eval")
    assert "was not evaluated where it was made" in on_hub.pulls()[0].body
    on_hub.clone.ok("upgrade", "router", "--model", BETTER, "--pull-request")
    [issue] = on_hub.pulls()
    assert "Improved" in issue.body


def test_a_regression_opens_none_unless_anyway_and_then_says_so(on_hub: OnHub) -> None:
    code, _out, _err = on_hub.clone.run("upgrade", "router", "--model", WORSE, "--pull-request")
    assert (1, []) == (code, on_hub.pulls())
    on_hub.clone.ok("upgrade", "router", "--model", WORSE, "--pull-request", "--anyway")
    assert [f"Upgrade router from {OLD} to {WORSE} (regressed)"] == [issue.title for issue in on_hub.pulls()]


def test_a_forge_that_wants_it_shorter_gets_it_shorter(on_hub: OnHub) -> None:
    too_long = {"message": "Validation Failed", "errors": [{"message": "body is too long (maximum is 9000 characters)"}]}
    on_hub.hub.fail("POST", "/pulls", 2, status=422, body=too_long)
    on_hub.clone.ok("upgrade", "router", "--model", BETTER, "--pull-request")
    [issue] = on_hub.pulls()
    assert "### What changes" in issue.body
    assert [422, 422, 201] == [each.status for each in on_hub.hub.log if (each.method, each.path[-6:]) == ("POST", "/pulls")]


def test_names_that_are_too_long_for_a_title_are_cut(on_hub: OnHub) -> None:
    model = "m" * 200
    on_hub.clone.ok("upgrade", "router", "--model", model, "--pull-request", "--no-eval")
    [issue] = on_hub.pulls()
    assert f"Upgrade router from {OLD} to {'m' * 59}\u2026" == issue.title


def test_a_model_that_is_gone_already_cannot_be_compared_with_and_is_proposed_anyway(on_hub: OnHub) -> None:
    policy = (on_hub.clone.path / "llmops.yaml").read_text()
    with chat_server(
        lambda asked, number: answer(asked, number) if asked.body["model"] == BETTER else error_answer(404)
    ) as server:
        url = policy.rpartition("base_url: ")[2].rstrip("}\n")
        on_hub.hub.commit({"llmops.yaml": policy.replace(url, server.url)})
        arguments = ("upgrade", "router", "--model", BETTER, "--pull-request")
        code, out, _err = on_hub.clone.run(*arguments)
        assert (3, []) == (code, on_hub.pulls()), out
        on_hub.clone.ok(*arguments, "--anyway")
    assert [f"Upgrade router from {OLD} to {BETTER} (not measured)"] == [issue.title for issue in on_hub.pulls()]


def test_why_now_is_said_when_the_model_is_retired(on_hub: OnHub) -> None:
    on_hub.hub.commit({"retirements.yaml": f"{OLD}: {{date: 2026-01-31, source: our platform team}}\n"})
    on_hub.clone.ok("upgrade", "router", "--model", BETTER, "--pull-request", "--no-eval")
    assert "was retired on" in on_hub.pulls()[0].body
    assert "our platform team" in on_hub.pulls()[0].body
