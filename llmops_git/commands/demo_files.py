"""The files of the demo: the example project, the two changes to it, and the deploy script, as they are shipped."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

from llmops_git.errors import LlmopsError

_NOT_OF_THE_PROJECT = ("demo", "deploy")


def examples_folder() -> Path:
    """The shipped examples: inside the package in a wheel, beside it in a checkout. Raises LlmopsError without them."""
    package = Path(str(files("llmops_git")))
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "llmops.yaml").is_file() and (folder / "demo").is_dir():
            return folder
    raise LlmopsError(f"the examples are not where {package} is", hint="pip install --force-reinstall llmops-git")


def copy_project(target: Path) -> None:
    """Copy the example project; what is there only for the demo stays out."""
    examples = examples_folder()

    def left_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in _NOT_OF_THE_PROJECT] if Path(folder) == examples else []

    shutil.copytree(examples, target, ignore=left_out, dirs_exist_ok=True)


def apply_change(name: str, target: Path) -> list[str]:
    """Lay the files of a change over the project, as an editor would save them; their paths."""
    change = examples_folder() / "demo" / "branches" / name
    shutil.copytree(change, target, dirs_exist_ok=True)
    return sorted(path.relative_to(change).as_posix() for path in change.rglob("*") if path.is_file())


def deploy_script() -> Path:
    """The deploy script of the examples."""
    return examples_folder() / "deploy" / "deploy.sh"
