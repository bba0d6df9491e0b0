"""`llmops-git init`: a working project in an empty or existing repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git import __version__
from llmops_git.commands.project import emit_json, format_option
from llmops_git.errors import InvalidInput, LlmopsError
from llmops_git.reports.clean import clean

if TYPE_CHECKING:
    from llmops_git.configs.policy import ProviderSettings
    from llmops_git.errors import Problem
    from llmops_git.repo.git import Git

# provider -> a pinned model to begin with
STARTERS = {
    "local": "smollm2-135m-instruct-q4_1",
    "openai": "gpt-5.4-mini-2026-03-17",
    "anthropic": "claude-haiku-4-5-20251001",
    "mistral": "mistral-small-2603",
    "gemini": "gemini-3.5-flash-lite",
    "ollama": "llama3.2:3b",
}
ACTION = "llmops-git/llmops-git"
_USES = re.compile(r"\./[\w./-]*|[\w.-]+/[\w./-]+@[\w./-]+", re.ASCII)


@click.command("init")
@click.option(
    "--provider", default="local", show_default=True, help="Where the model runs: local, or a provider of llmops-git."
)
@click.option("--model", metavar="ID", help="The model (default: a pinned one, where the provider has one).")
@click.option("--workflows/--no-workflows", default=True, show_default=True, help="Write workflows for GitHub Actions.")
@click.option("--no-project", is_flag=True, help="Write the workflows only, for a project that is there.")
@click.option("--action", metavar="OWNER/REPO@REF", help="The Action that they use (default: the commit of this version).")
@click.option("--dry-run", is_flag=True, help="Show what would be written.")
@format_option()
def command(
    provider: str, model: str | None, workflows: bool, no_project: bool, action: str | None, dry_run: bool, form: str
) -> None:
    """Write a policy, a config with its template and eval set, and workflows; files that are there are kept."""
    from llmops_git.repo.git import open_git

    git = open_git()
    top = _top(git)
    files = {} if no_project else starter_files(git, provider, _model(provider, model))
    key = ""
    if workflows:
        settings = _settings(provider, of_policy=no_project)
        files |= starter_workflows(git, settings, action)
        key = settings.key_env
    written, kept = write_files(top, files, dry_run=dry_run)
    wrong = _wrong_policy(git)
    if form == "json":
        emit_json({"dry_run": dry_run, "written": written, "kept": kept, "invalid": sorted({each.path for each in wrong})})
        return
    for path in written:
        click.echo(f"{'would write' if dry_run else 'wrote'} {clean(path)}")
    for path in kept:
        invalid = ", and it is invalid" if path in {each.path for each in wrong} else ""
        click.echo(f"kept {clean(path)} (it is there already{invalid})")
    for problem in wrong:
        click.echo(f"warning: {clean(str(problem))}", err=True)
    if uncovered(top, kept, git.location.prefix):
        place = clean(git.location.prefix) or "the top of the repository"
        click.echo(f"warning: the workflows that are there do not name {place}: no job evaluates or releases it", err=True)
        click.echo("hint: docs/github-action.md, Several projects in one repository", err=True)
    if not dry_run:
        click.echo("\nnext: llmops-git check, git add and commit, then change the prompt and run llmops-git eval", err=True)
        if key:
            click.echo(f"the jobs on GitHub need the key as a secret: gh secret set {key}", err=True)


def uncovered(top: Path, kept: list[str], folder: str) -> list[str]:
    """The workflows that are kept and were written for another folder than this project's ("" is the top)."""
    found = []
    for path in kept:
        if not path.startswith(".github/workflows/") or not (top / path).is_file():
            continue
        text = (top / path).read_text(encoding="utf-8", errors="replace")
        if (folder not in text) if folder else ("working-directory: " in text and "matrix" not in text):
            found.append(path)
    return found


def _wrong_policy(git: Git) -> tuple[Problem, ...]:
    """What is wrong with a policy that was there already: nothing works until that is mended."""
    from llmops_git.configs.policy_file import load_policy
    from llmops_git.repo.trees import work_tree

    try:
        load_policy(work_tree(git), git.location.prefix)
    except InvalidInput as error:
        return error.problems
    return ()


def starter_files(git: Git, provider: str, model: str) -> dict[str, str]:
    """Repository-relative path -> text of a whole project below the caller's folder."""
    from llmops_git.commands.starter import policy_text, project_files

    prefix = f"{git.location.prefix}/" if git.location.prefix else ""
    return {f"{prefix}llmops.yaml": policy_text()} | {
        f"{prefix}{path}": text for path, text in project_files(provider, model).items()
    }


def starter_workflows(git: Git, provider: ProviderSettings, action: str | None) -> dict[str, str]:
    """Repository-relative path -> text of the workflows, at the top. Raises LlmopsError where nothing can be pinned."""
    from llmops_git.commands.workflows import WorkflowSettings, workflow_files
    from llmops_git.repo.mainline import default_branch_here

    return workflow_files(
        WorkflowSettings(
            action=_action(action),
            branch=default_branch_here(git),
            folder=git.location.prefix,
            key_env=provider.key_env,
            embedded=provider.api == "embedded",
            **_environments(git),
        )
    )


def _environments(git: Git) -> dict[str, tuple[str, ...]]:
    """The environments of a policy that is there: people choose one of them where they promote."""
    from llmops_git.configs.policy_file import load_policy
    from llmops_git.repo.trees import work_tree

    try:
        declared = tuple(load_policy(work_tree(git), git.location.prefix).environments)
    except InvalidInput:
        declared = ()
    return {"environments": declared} if declared else {}


def _action(named: str | None) -> str:
    """What stands after `uses:`. Without a name it is the commit of this very version, which cannot be moved."""
    from llmops_git.repo.tool_commit import is_built, tool_commit

    if named is not None:
        if not _USES.fullmatch(named):
            raise LlmopsError(
                f"`{clean(named)}` names no action", hint=f"--action {ACTION}@REF, or --action ./ for this repository"
            )
        return named
    commit = tool_commit()
    if not commit:
        message = "the commit of this version of llmops-git is not known, and workflows are pinned to nothing less"
        raise LlmopsError(message, hint=f"--action {ACTION}@REF with a commit that you looked at, or --no-workflows")
    return f"{ACTION}@{commit}" + (f" # v{__version__}" if is_built() else "")


def write_files(top: Path, files: dict[str, str], *, dry_run: bool) -> tuple[list[str], list[str]]:
    """Write the files that are not there; (written, kept). Raises LlmopsError when a path is in the way."""
    kept = [path for path in files if (top / path).is_symlink() or (top / path).exists()]
    written = [path for path in files if path not in kept]
    for path in written:
        _refuse_detours(top, path)
    for path in [] if dry_run else written:
        target = top / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="\n") as file:
                file.write(files[path])
        except OSError as error:
            raise LlmopsError(f"{path} could not be written: {error.strerror}") from None
    return written, kept


def _refuse_detours(top: Path, path: str) -> None:
    """A symbolic link among the folders could lead out of the repository."""
    for folder in Path(path).parents:
        if (top / folder).is_symlink():
            raise LlmopsError(f"{folder.as_posix()} is a symbolic link: nothing is written through it")
        if (top / folder).exists() and not (top / folder).is_dir():
            raise LlmopsError(f"{folder.as_posix()} is a file, and a folder is needed there")


def _top(git: Git) -> Path:
    if git.location.work_tree is None:
        raise LlmopsError("a bare repository has no files to begin with", hint="run it in a clone")
    return git.location.work_tree


def _settings(provider: str, *, of_policy: bool) -> ProviderSettings:
    """A provider that is built in or, for a project that is there, of its policy. Raises LlmopsError for an unknown one."""
    from llmops_git.commands.project import open_project
    from llmops_git.configs.paths import suggestion
    from llmops_git.configs.policy_file import BUILT_IN

    if not of_policy:
        return BUILT_IN[provider]
    project = open_project()
    known = project.policy(project.tree(None)).providers
    if provider not in known:
        hint = suggestion(provider, known) or f"known are {', '.join(known)}"
        raise LlmopsError(f"there is no provider `{provider}`", hint=hint)
    return known[provider]


def _model(provider: str, model: str | None) -> str:
    from llmops_git.configs.paths import suggestion
    from llmops_git.configs.pins import floating_reason, pin_hint
    from llmops_git.configs.policy_file import BUILT_IN

    if provider not in BUILT_IN:
        hint = suggestion(provider, BUILT_IN) or f"known are {', '.join(BUILT_IN)}"
        raise LlmopsError(f"there is no provider `{provider}`", hint=hint)
    model = model or STARTERS.get(provider)
    if not model:
        raise LlmopsError(f"name a model of `{provider}`", hint=f"llmops-git init --provider {provider} --model ID")
    reason = floating_reason(provider, BUILT_IN[provider].api, model)
    if reason:
        raise LlmopsError(reason, hint=pin_hint(model))
    return model
