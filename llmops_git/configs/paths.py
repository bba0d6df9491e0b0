"""Which files are configs, what they are called, and what a relative path in one of them points at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from llmops_git.configs.policy import Policy
from llmops_git.errors import Problem

NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
NAME_RULE = "lower-case letters, digits and dashes, beginning with a letter or digit"
CONFIG_ENDINGS = (".yaml", ".yml")


def config_name(path: str) -> str:
    """The name that a config file's path gives it: its stem."""
    name = path.rpartition("/")[2]
    for ending in CONFIG_ENDINGS:
        if name.endswith(ending):
            return name[: -len(ending)]
    return name


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a config or of an environment."""
    return NAME.match(text) is not None


def config_files(paths: Iterable[str], policy: Policy) -> list[str]:
    """The config files among repository-relative paths, sorted; the policy's patterns count from its root."""
    from llmops_git.configs.glob import compile_glob

    prefix = f"{policy.root}/" if policy.root else ""
    patterns = [compile_glob(pattern) for pattern in policy.configs]
    below = (path for path in paths if path.startswith(prefix) and path.endswith(CONFIG_ENDINGS))
    return sorted(path for path in below if any(pattern.fullmatch(path[len(prefix) :]) for pattern in patterns))


def named_files(files: Iterable[str]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Name -> path of config files, and a problem for each file whose name is not one or is taken."""
    named: dict[str, str] = {}
    problems = []
    for path in files:
        name = config_name(path)
        if not is_name(name):
            problems.append(bad_name(path))
        elif name in named:
            message = f"two configs are called `{name}`: the other one is {named[name]}"
            problems.append(Problem(path=path, message=message, hint="rename one of the files; releases are tagged by name"))
        else:
            named[name] = path
    return named, tuple(problems)


def bad_name(path: str) -> Problem:
    """The problem of a config file whose stem cannot be a name."""
    name = config_name(path)
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    folder = path[: -len(path.rpartition("/")[2])]
    hint = f"git mv {path} {folder}{better}.yaml" if better else "rename the file"
    return Problem(path=path, message=f"`{name}` cannot name a config: use {NAME_RULE}", hint=hint)


def join(via: str, reference: str) -> str:
    """The repository-relative path that `reference` means in the file `via`. Raises ValueError when it leaves the repository
    or is not a relative POSIX path."""
    if not reference or reference.startswith("/") or "\\" in reference or "\0" in reference:
        raise ValueError("write a relative path with `/`")
    parts = via.split("/")[:-1]
    for part in reference.split("/"):
        if part == "..":
            if not parts:
                raise ValueError("the path leaves the repository")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def suggestion(word: str, known: Iterable[str]) -> str:
    """ "did you mean `x`?", or "" where nothing known is near."""
    import difflib

    candidates = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    return f"did you mean `{candidates[near[0]]}`?" if near else ""


def known_names(named: Mapping[str, str], limit: int = 8) -> str:
    """A short list of names for a message."""
    names = sorted(named)
    shown = ", ".join(names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "") if names else "none"
