"""The two programs of the Action by themselves: what they install, when they install nothing, and what they never import."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from action_act import FORWARDED

from llmops_git.configs.yaml import parse

PYTHON = f"{sys.base_prefix}/bin/python3"


def environment(temporary: Path, **more: str) -> dict[str, str]:
    """What a step of a job sees; with what the machine needs to reach a package index."""
    kept = {name: value for name, value in os.environ.items() if FORWARDED.fullmatch(name)}
    place = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(temporary),
        "RUNNER_TEMP": str(temporary),
        "GITHUB_OUTPUT": f"{temporary}/out",
    }
    return {**kept, **place, **more}


def install(action: Path, temporary: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PYTHON, "-I", str(action / "action" / "install.py")],
        env=environment(temporary, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def outputs(temporary: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (temporary / "out").read_text().splitlines())


def run(action: Path, folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The second program, in a folder that is hostile."""
    return subprocess.run(
        [PYTHON, "-I", "-S", str(action / "action" / "main.py")],
        cwd=folder,
        env=environment(folder, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_what_is_installed_is_found_again_without_asking_anybody(action: Path, packages: Path, tmp_path: Path) -> None:
    (tmp_path / "llmops-git").symlink_to(packages)
    again = install(action, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS="/nowhere")
    assert ("", 0) == (again.communicate()[0], again.returncode)
    found = outputs(tmp_path)
    assert PYTHON == found["python"]
    installed = {path.name for path in Path(found["packages"]).iterdir()}
    assert {"click", "httpx", "jinja2"} <= installed
    assert not [name for name in installed if name.startswith(("xllamacpp", "pip", "setuptools"))]


def test_another_lock_file_is_another_folder(action: Path, packages: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for name in ("action", "requirements"):
        (copy / name).mkdir(parents=True)
    (copy / "action" / "install.py").write_bytes((action / "action" / "install.py").read_bytes())
    (copy / "requirements" / "action.txt").write_text(f"click==1.0 --hash=sha256:{'0' * 64}\n")
    (tmp_path / "llmops-git").symlink_to(packages)
    done = install(copy, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS="/nowhere")
    done.communicate()
    assert (3, False) == (done.returncode, (tmp_path / "out").exists())


def test_a_package_that_is_not_what_was_locked_is_refused_and_pip_speaks_no_command(action: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "action").mkdir(parents=True)
    (copy / "requirements").mkdir()
    (copy / "action" / "install.py").write_bytes((action / "action" / "install.py").read_bytes())
    wheel = planted_wheel(tmp_path / "index")
    (copy / "requirements" / "action.txt").write_text(f"planted==1.0 --hash=sha256:{'0' * 64}\n")
    done = install(copy, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheel.parent))
    said = done.communicate()[0]
    assert (3, False) == (done.returncode, (tmp_path / "out").exists())
    assert "do not match" in said.replace("DO NOT MATCH", "do not match")
    commands = [line for line in said.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    assert ["::error title=llmops-git::the locked packages of the action could not be installed"] == commands


def test_two_steps_that_install_at_once_end_with_one_whole_folder(action: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "action").mkdir(parents=True)
    (copy / "requirements").mkdir()
    (copy / "action" / "install.py").write_bytes((action / "action" / "install.py").read_bytes())
    wheel = planted_wheel(tmp_path / "index")
    pin = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (copy / "requirements" / "action.txt").write_text(f"planted==1.0 --hash=sha256:{pin}\n")
    both = [install(copy, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheel.parent)) for _ in range(2)]
    assert [("", 0), ("", 0)] == [(each.communicate()[0], each.returncode) for each in both]
    [folder] = (tmp_path / "llmops-git").iterdir()
    assert (str(folder), True) == (outputs(tmp_path)["packages"], (folder / "planted.py").is_file())


def planted_wheel(folder: Path) -> Path:
    """A small wheel that is in order, but for its hash."""
    import zipfile

    folder.mkdir()
    path = folder / "planted-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("planted.py", "")
        archive.writestr("planted-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        archive.writestr("planted-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("planted-1.0.dist-info/RECORD", "")
    return path


def test_an_install_that_is_killed_leaves_nothing_that_looks_whole(action: Path, tmp_path: Path) -> None:
    killed = install(action, tmp_path)
    home = tmp_path / "llmops-git"
    while not (home.is_dir() and list(home.iterdir())):
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert [] == [path.name for path in home.iterdir() if re.fullmatch(r"[0-9a-f]{24}", path.name)]


def test_nothing_of_the_checkout_is_imported(action: Path, packages: Path, tmp_path: Path) -> None:
    for name in ("click", "json", "sitecustomize", "usercustomize", "httpx", "llmops_git", "pip"):
        (tmp_path / f"{name}.py").write_text("print('TAKEN'); raise SystemExit(7)\n")
    (tmp_path / "python3").write_text("#!/bin/sh\necho TAKEN\n")
    (tmp_path / "event.json").write_text('{"repository": {"full_name": "o/r", "default_branch": "main"}}')
    [folder] = [path for path in packages.iterdir() if re.fullmatch(r"[0-9a-f]{24}", path.name)]
    done = run(
        action,
        tmp_path,
        {
            "PYTHONPATH": str(tmp_path),
            "PYTHONSTARTUP": str(tmp_path / "click.py"),
            "LLMOPS_PACKAGES": str(folder),
            "LLMOPS_PYTHON": PYTHON,
            "LLMOPS_CONFIG": "",
            "LLMOPS_MAX_USD": "",
            "GITHUB_EVENT_NAME": "watch",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": "o/r",
        },
    )
    assert (0, "nothing to do for the event `watch`\n") == (done.returncode, done.stdout)


def test_a_program_that_is_started_by_hand_says_what_to_run(action: Path, tmp_path: Path) -> None:
    done = run(action, tmp_path, {})
    assert (1, True) == (done.returncode, "llmops-git ci" in done.stdout)


@pytest.mark.parametrize(("version", "code"), [("(3, 10)", 3), ("(3, 11)", 0)])
def test_a_runner_without_a_new_enough_python_is_told_so(action: Path, tmp_path: Path, version: str, code: int) -> None:
    """The step's own script, with a python3 that says how old it is."""
    script = next(step for step in parse((action / "action.yml").read_bytes(), "action.yml").value["runs"]["steps"])["run"]
    programs = tmp_path / "programs"
    programs.mkdir()
    old = programs / "python3"
    old.write_text(f'#!/bin/sh\ncase "$2" in -c) exec {PYTHON} -I -c "import sys; sys.version_info = {version}; $3";; esac\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={"PATH": str(programs), "GITHUB_ACTION_PATH": str(action)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (code, code == 3) == (done.returncode, "actions/setup-python" in done.stdout)
