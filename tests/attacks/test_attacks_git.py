"""Names that are options or programs to git, releases that are moved or played again, and what git children are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.attacks import naive
from tests.attacks.stage import called, checkout, git, put
from tests.commands.release_project import Folder, release_project, shadow

OPTIONS = ["--upload-pack=touch {0}", "--output={0}", "-c core.pager=touch {0}", "--exec=touch {0}", "ext::touch {0}", "-O{0}"]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    return checkout(tmp_path / "checkout", {"prompts/plain.yaml": "name: plain\n"})


@pytest.mark.parametrize("option", OPTIONS)
def test_a_revision_or_a_name_is_never_an_option(victim: Path, tmp_path: Path, option: str) -> None:
    marker = tmp_path / "ran"
    evil = option.format(marker)
    for command in (
        ("diff", "--", evil), ("diff", "--", "HEAD", evil), ("check", f"--ref={evil}"), ("eval", f"--base={evil}"),
        ("eval", f"--head={evil}", "--base=HEAD"), ("show", "--", evil), ("show", "router", f"--ref={evil}"), ("log", "--", evil),
        ("log", f"--environment={evil}"), ("resolve", "router", f"--environment={evil}"), ("export", "--", evil),
        ("promote", "router", f"--to={evil}"), ("rollback", "router", f"--environment={evil}"), ("diff", f"--environment={evil}"),
    ):  # fmt: skip
        done = called(*command, cwd=victim)
        assert (True, False, False) == (done.code in (1, 2, 3), "Traceback" in done.out, marker.exists()), (command, done.out)
        assert not list(victim.glob("--*"))


def test_such_a_revision_is_an_option_to_plain_git(victim: Path, tmp_path: Path) -> None:
    naive.git_diff(str(victim), f"--output={tmp_path / 'written'}")
    assert (tmp_path / "written").exists()


@pytest.mark.parametrize(
    "remote", ["ext::touch {0}", "--upload-pack=touch {0}", "../../somewhere", "file:///etc", "origin\nevil"]
)
def test_a_policy_names_no_program_as_its_remote(victim: Path, tmp_path: Path, remote: str) -> None:
    import json

    marker = tmp_path / "ran"
    git(victim, "config", "protocol.ext.allow", "always")
    git(victim, "remote", "add", "origin", str(victim))
    naive.git_fetch(str(victim), f"ext::touch {marker}")
    assert marker.exists()
    marker.unlink()
    put(victim, {"llmops.yaml": f"version: 1\nremote: {json.dumps(remote.format(marker))}\n"})
    git(victim, "commit", "-q", "-a", "-m", "remote")
    for command in (
        ("status", "--fetch"),
        ("log", "router", "--fetch"),
        ("resolve", "router", "--environment=production", "--fetch"),
        ("release",),
        ("diff",),
    ):
        done = called(*command, cwd=victim)
        assert ("Traceback" in done.out, marker.exists()) == (False, False), (command, done.out)
        assert done.code != 0 or command[0] == "diff"


@pytest.mark.parametrize("name", ["a b", "-x", "a\nb", ".hidden", "con$fig", "$(touch x)", "ünïcode", "UPPER"])
def test_a_file_name_makes_no_name_of_a_config(tmp_path: Path, name: str) -> None:
    folder = checkout(tmp_path / "checkout")
    put(folder, {f"prompts/{name}.yaml": (folder / "prompts" / "plain.yaml").read_text()})
    done = called("check", cwd=folder)
    assert (2, True, []) == (done.code, "cannot name a config" in done.out, list(folder.glob("x")))


def test_a_branch_with_a_hostile_name_is_only_a_name(tmp_path: Path) -> None:
    """Git allows much in the names of branches: `$(…)`, quotes, semicolons, leading dashes of parts."""
    folder = checkout(tmp_path / "checkout")
    for branch in ("x;touch${IFS}ran", "$(touch${IFS}ran)", '"quoted"', "%0A;;set-output", "a/-b"):
        git(folder, "branch", branch, "HEAD")
        for command in (("diff", branch), ("check", f"--ref={branch}"), ("diff", f"refs/heads/{branch}", "HEAD")):
            assert 0 == called(*command, cwd=folder).code
    assert not (folder / "ran").exists()


def test_a_moved_tag_is_an_alarm_and_not_a_release(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        bob = place.clone("bob")
        good = bob.ok("resolve", "router", "--version=1.0.0")
        evil = alice.change(router=1)
        naive.git_push(str(alice.path), "refs/tags/llmops/router/v1.0.0", evil)
        carol = place.clone("carol")
        assert naive.tag_at(str(carol.path), "llmops/router/v1.0.0") == evil  # whoever looks for the first time

        code, _, said = bob.run("resolve", "router", "--version=1.0.0", "--fetch")
        assert (1, True) == (code, "was moved" in said)
        assert good == bob.ok("resolve", "router", "--version=1.0.0")  # what was seen once stays what it was
        code, out, said = carol.run("verify")
        assert (1, True) == (code, "router" in out + said)
        assert carol.run("resolve", "router", "--version=1.0.0")[0] != 0


def test_a_release_is_never_pushed_over_another_one(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        before = place.bare.git("rev-parse", "refs/tags/llmops/router/v1.0.0")
        bob = place.clone("bob")
        alice.change(router=90)
        bob.git("pull", "-q")
        alice.ok("release")
        bob.run("release")
        assert before == place.bare.git("rev-parse", "refs/tags/llmops/router/v1.0.0")
        assert ["llmops/router/v1.0.0", "llmops/router/v1.0.1"] == place.bare.git("tag", "--list", "llmops/*").split()


def test_an_old_tag_under_a_new_name_is_no_release(tmp_path: Path) -> None:
    """A replay: the tag object is genuine, its signature would hold, and it says another version inside."""
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        old = alice.git("rev-parse", "refs/tags/llmops/router/v1.0.0")
        alice.change(router=90)
        alice.git("push", "-q", "origin", f"{old}:refs/tags/llmops/router/v1.0.1")
        bob = place.clone("bob")
        assert naive.is_signed(str(bob.path), "refs/tags/llmops/router/v1.0.1")
        code, out, said = bob.run("verify")
        assert (1, True) == (code, "replayed" in out + said)
        for command in (("resolve", "router", "--version=1.0.1"), ("resolve", "router"), ("promote", "router", "--to=staging")):
            code, _, said = bob.run(*command)
            assert (1, True) == (code, "replayed" in said), (command, said)


def test_an_environment_that_was_rewritten_is_an_alarm(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        alice.ok("promote", "router", "--to=staging")
        bob = place.clone("bob")
        bob.ok("status", "--fetch")
        empty = place.bare.git("hash-object", "-t", "tree", "-w", "/dev/null")
        orphan = place.bare.git("commit-tree", empty, "-m", "nothing runs")
        place.bare.git("update-ref", "refs/heads/llmops/env/staging", orphan)
        code, _, said = bob.run("status", "--fetch")
        assert (1, True) == (code, "was rewritten" in said)


KEYS = {"OPENAI_API_KEY": "sk-provider", "ANTHROPIC_API_KEY": "sk-other", "LLMOPS_TOKEN": "ghs-token"}


def test_git_and_its_helpers_are_told_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert "sk-provider" in naive.start_helper(["env"])

    with release_project(tmp_path) as (_, clone):
        log = tmp_path / "environment"
        # `git version` is what GitPython asks when it is imported: no hook, helper or filter runs for it
        told = {**shadow(tmp_path, f'test "$1" = version || env >> {log}'), **KEYS}
        for command in (
            ("diff",),
            ("check",),
            ("release",),
            ("promote", "router", "--to=staging"),
            ("status", "--fetch"),
            ("verify",),
        ):
            code, out, err = clone.run(*command, environment=told)
            assert code == 0, out + err
        seen = log.read_text()
        assert "GIT_TERMINAL_PROMPT=0" in seen
        assert [] == [value for value in KEYS.values() if value in seen]


def test_the_token_reaches_git_by_variables_for_one_server_only(tmp_path: Path) -> None:
    from llmops_git.errors import LlmopsError
    from llmops_git.repo.credentials import authenticated_environment

    told = authenticated_environment("https://github.example", "ghs-secret", os.environ)
    settings = {told[f"GIT_CONFIG_KEY_{n}"] for n in range(int(told["GIT_CONFIG_COUNT"]))}
    assert {"http.https://github.example/.extraheader", "http.followRedirects"} == settings
    assert "ghs-secret" not in "".join(told.values())
    with pytest.raises(LlmopsError, match="a token is not sent"):
        authenticated_environment("http://github.example", "ghs-secret", os.environ)
    clone = Folder(checkout(tmp_path / "checkout"))
    assert "ghs-secret" not in clone.git("config", "--list")
