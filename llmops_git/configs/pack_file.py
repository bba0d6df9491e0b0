"""A guardrail pack by itself: for whoever measures packs. A config has its packs in its resolved value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmops_git.configs.closure import Closures
from llmops_git.configs.digest import digest_of
from llmops_git.configs.glob import compile_glob, glob_folder, is_glob
from llmops_git.configs.load import Loader
from llmops_git.configs.paths import config_name, join
from llmops_git.configs.policy import Policy
from llmops_git.configs.references import GUARDRAILS
from llmops_git.configs.resolve_packs import open_pack, resolve_opened
from llmops_git.configs.source import Source
from llmops_git.configs.tree import Tree
from llmops_git.configs.values import Dependency, JsonObject
from llmops_git.configs.yaml import parse
from llmops_git.errors import InvalidInput

SUITES = "suites"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackMeasure:
    """How a pack is measured; not part of its digest. `suites` are the paths of files, sorted; `recall` is the least share to
    be caught by attack family (`*`: every other), `false_alarms` the largest share of benign texts, `margin` how much worse
    than its base a share may be. None: not said."""

    suites: tuple[str, ...] = ()
    recall: Mapping[str, float] = field(default_factory=dict)
    false_alarms: float | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """A loaded pack. `resolved` is as in the resolved guardrails of a config, `digest` is its version; `closure` is the pack,
    its judges and schemas, and what these name."""

    name: str
    path: str
    description: str
    owner: str
    resolved: JsonObject
    digest: str
    closure: tuple[Dependency, ...]
    measure: PackMeasure


def pack_files(tree: Tree, root: str = "") -> list[str]:
    """The paths of all packs, sorted; `root` is the folder of the policy."""
    folder = f"{root}/{GUARDRAILS}" if root else GUARDRAILS
    return sorted(path for path in tree.walk(folder) if path.endswith(".yaml") and path.rpartition("/")[0] == folder)


def load_pack(tree: Tree, path: str, policy: Policy, *, closures: Closures | None = None) -> PackFile:
    """The pack at `path`. Raises InvalidInput with everything that is wrong with it and the files it reads."""
    closures = closures or Closures(tree, policy.root)
    closure = closures.of(path)
    if not closure.dependencies:
        raise InvalidInput(closure.problems)
    contents = tree.read(dict.fromkeys(item.path for item in closure.dependencies))
    source = Source(parse(contents[path], path), closure.dependencies, contents)
    pack = open_pack(path, source, check=True)
    if pack.problems:
        raise InvalidInput(pack.problems)
    resolved = resolve_opened(pack, Loader(tree, policy, closures).load_judge_for(pack), check=True)
    measure = _measure(tree, pack)
    problems = (*closure.problems, *pack.problems)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidInput(tuple(dict.fromkeys(problems)))
    return PackFile(
        name=config_name(path),
        path=path,
        description=str(pack.value.get("description", "")),
        owner=str(pack.value.get("owner", "")),
        resolved=resolved,
        digest=digest_of(resolved),
        closure=closure.dependencies,
        measure=measure,
    )


def _measure(tree: Tree, pack: Source) -> PackMeasure:
    gate = pack.value.get("gate", {})
    return PackMeasure(
        suites=_suites(tree, pack),
        recall=dict(gate.get("recall", {})),
        false_alarms=gate.get("false_alarms"),
        margin=gate.get("margin"),
    )


def _suites(tree: Tree, pack: Source) -> tuple[str, ...]:
    """The suites that are there. A name without a file is a problem, unless it is the one that nobody wrote."""
    written = pack.value.get("suites")
    name = config_name(pack.path)
    reviewed = f"{SUITES}/reviewed-{name}.jsonl"  # what people said of live texts counts, whatever is written
    default = [f"{SUITES}/{name}.jsonl", f"{SUITES}/{name}.*.jsonl"]
    found = set(_matching(tree, join(pack.path, reviewed)))
    for index, text in enumerate(default if written is None else written):
        try:
            target = join(pack.path, text)
        except ValueError as error:
            pack.add(("suites", index), f"`{text}`: {error}")
            continue
        files = _matching(tree, target)
        if not files and written is not None:
            pack.add(("suites", index), f"`{text}`: no such file")
        found.update(files)
    return tuple(sorted(found))


def _matching(tree: Tree, target: str) -> list[str]:
    if not is_glob(target):
        return [target] if tree.entry(target) is not None else []
    fits = compile_glob(target).fullmatch
    return [path for path in tree.walk(glob_folder(target)) if fits(path)]
