"""The guardrail packs of a tree, their suites, and what they come to on them: read, build the rules, ask, remember."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.pack_file import PackFile, load_pack, pack_files
from llmops_git.configs.paths import config_name, suggestion
from llmops_git.errors import InvalidInput, LlmopsError
from llmops_git.evals.guard_gate import Measured
from llmops_git.guardrails.base import Action, Check, Session, Side
from llmops_git.guardrails.measure import measure
from llmops_git.guardrails.packs import SIDES, pack_of
from llmops_git.guardrails.suites import Suite, joined, read_suite

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import JsonObject
    from llmops_git.errors import Problem

_AT_ONCE = 8  # texts about which models are asked at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRule:
    """One rule of a pack, ready to be measured on its own. `asks` says that it asks a model."""

    name: str
    action: Action
    check: Check
    sides: tuple[Side, ...]
    asks: bool


def packs_in(tree: Tree, policy: Policy, names: Sequence[str] = ()) -> dict[str, PackFile]:
    """Name -> pack, of those named or of all. Raises InvalidInput with everything that is wrong, and LlmopsError for a name
    that no pack has."""
    from llmops_git.configs.closure import Closures

    paths = {config_name(path): path for path in pack_files(tree, policy.root)}
    for name in names:
        if name not in paths:
            hint = suggestion(name, paths) or f"the packs are: {', '.join(paths) or 'none: write guardrails/<name>.yaml'}"
            raise LlmopsError(f"there is no guardrail pack `{name}`", hint=hint)
    closures = Closures(tree, policy.root)
    found, problems = {}, []
    for name in names or paths:
        try:
            found[name] = load_pack(tree, paths[name], policy, closures=closures)
        except InvalidInput as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise InvalidInput(problems, hint="llmops-git check")
    return found


def suite_of(tree: Tree, paths: Iterable[str]) -> Suite | None:
    """The texts of some suite files as one suite; None where there is no text. Raises InvalidInput."""
    contents = tree.read(paths)
    suite = joined([read_suite(path, contents[path]) for path in sorted(contents)])
    return suite if suite.texts else None


def suite_problems(tree: Tree, paths: Iterable[str]) -> tuple[Problem, ...]:
    """What is wrong with some suite files, by themselves and together."""
    try:
        suite_of(tree, paths)
    except InvalidInput as error:
        return error.problems
    return ()


def rules_of(resolved: JsonObject, allowed: Sequence[str] = ()) -> tuple[PackRule, ...]:
    """The rules of a resolved pack, in its order."""
    built: dict[str, tuple[Any, list[Side]]] = {}
    for side in SIDES:
        for rule in pack_of(resolved, side, allowed).rules:
            built.setdefault(rule.name, (rule, []))[1].append(side)
    order = [str(rule["name"]) for rule in resolved.get("rules", ())]
    return tuple(
        PackRule(name=rule.name, action=rule.action, check=rule.check, sides=tuple(sides), asks=rule.asks)
        for rule, sides in sorted(built.values(), key=lambda item: order.index(item[0].name))
    )


class Bench:
    """Measures packs, each once on each suite. `session` answers rules that ask a model, None: nobody does, and such rules
    stay undecided. `allowed` are checks of other packages that the policy allows."""

    def __init__(self, session: Session | None, allowed: Sequence[str] = ()) -> None:
        self._session = session
        self._allowed = allowed
        self._known: dict[tuple[str, str], Measured] = {}

    def measured(self, name: str, packs: Sequence[JsonObject], suite: Suite) -> Measured:
        """Resolved packs, together, on a suite."""
        digest = digest_of(packs[0]) if len(packs) == 1 else digest_of([digest_of(pack) for pack in packs])
        key = (digest, suite.digest)
        if key not in self._known:
            rules = self.rules(packs)
            results = _mapped(rules, lambda looks: measure(rules, suite.texts, self._session, looks=looks))
            self._known[key] = Measured(pack=name, digest=digest, results=results)
        return self._known[key]

    def rules(self, packs: Sequence[JsonObject]) -> tuple[PackRule, ...]:
        """The rules of some packs, one after the other."""
        return tuple(rule for pack in packs for rule in rules_of(pack, self._allowed))


def _mapped(rules: Sequence[PackRule], look: Callable[[Any], Any]) -> Any:
    """One text after the other; where a model is asked, several at once."""
    if not any(rule.asks for rule in rules):
        return look(map)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return look(pool.map)
