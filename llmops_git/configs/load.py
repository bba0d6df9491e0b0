"""A config from a tree: parsed, checked, resolved and digested; all problems at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from llmops_git.configs.closure import Closure, Closures
from llmops_git.configs.digest import closure_digest, digest_of
from llmops_git.configs.judges import scale_of
from llmops_git.configs.paths import config_name
from llmops_git.configs.resolve import resolve_config
from llmops_git.configs.resolve_packs import LoadJudge
from llmops_git.configs.resolve_templates import Templates
from llmops_git.configs.source import Source
from llmops_git.configs.text import decode
from llmops_git.configs.values import Config, Document, Evaluation, Json
from llmops_git.configs.yaml import parse
from llmops_git.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from llmops_git.configs.cases import CaseFile
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree

MAX_DOCUMENT = 16 << 20  # bytes of one file of a corpus
_SECTION = re.compile(r"\$\.([A-Za-z_]+)")
_NEEDED = ("model", "messages")
_NEEDED_OF_JUDGES = ("model",)


def load_config(tree: Tree, path: str, policy: Policy, *, check: bool = True, closures: Closures | None = None) -> Config:
    """The config (or judge) at `path`. Raises InvalidInput with everything that is wrong with it and the files it reads.

    Without `check` only what stands in the way of a digest is found: enough to tell whether a config changed, at a fraction
    of the time. `closures` is shared by callers that load many configs of one tree.
    """
    loader = Loader(tree, policy, closures or Closures(tree, policy.root))
    return loader.load(path) if check else loader.load_unchecked(path)


class Loader:
    """Loads configs of one tree under one policy."""

    def __init__(self, tree: Tree, policy: Policy, closures: Closures) -> None:
        self._tree = tree
        self._policy = policy
        self._closures = closures
        self._judges: dict[tuple[str, bool], Config | InvalidInput] = {}

    def load(self, path: str, *, as_judge: bool = False) -> Config:
        """A config, checked. A config's judges are loaded without an evaluation of their own."""
        from llmops_git.configs.schema import problems_of

        closure, source = self._open(path)
        source.problems = problems_of("judge" if as_judge else "config", source.file, path)
        needed = _NEEDED_OF_JUDGES if source.value.get("kind") == "judge" else _NEEDED
        broken = _sections(source.problems, source.path) | {key for key in needed if key not in source.value}
        templates = Templates()
        resolved = resolve_config(source, broken, templates, self.load_judge_for(source))
        files: tuple[CaseFile, ...] = ()
        evaluation = None
        if not as_judge and "evaluation" in source.value and "evaluation" not in broken:
            evaluation, files = self._evaluation(source, resolved)
        documents = _documents(source)
        self._check(source, resolved, templates, broken)
        if evaluation is not None:
            _check_evaluation(source, resolved, evaluation, files, broken)
        problems = _ordered((*closure.problems, *source.problems), path)
        if broken or any(problem.severity == "error" for problem in problems):
            raise InvalidInput(problems)
        return _made(source, closure, resolved, evaluation, documents, problems)

    def load_unchecked(self, path: str, *, as_judge: bool = False) -> Config:
        """A config whose digests are right if it is valid, and that may be invalid."""
        closure, source = self._open(path)
        try:
            load_judge = self.load_judge_for(source, unchecked=True)
            resolved = resolve_config(source, frozenset(), Templates(), load_judge, check=False)
            evaluation = None
            if not as_judge and "evaluation" in source.value:
                evaluation, _files = self._evaluation(source, resolved, unchecked=True)
            documents = _documents(source)
            if not closure.problems and not source.problems:
                return _made(source, closure, resolved, evaluation, documents, ())
        except (KeyError, TypeError, AttributeError, ValueError):
            pass  # nothing was known of the types of the values: the check says what is wrong with them
        return self.load(path, as_judge=as_judge)

    def _open(self, path: str) -> tuple[Closure, Source]:
        closure = self._closures.of(path)
        if not closure.dependencies:
            raise InvalidInput(closure.problems)
        contents = self._tree.read(dict.fromkeys(item.path for item in closure.dependencies))
        file = parse(contents[path], path)
        if not isinstance(file.value, dict):
            message = "a config is a mapping with `model` and `messages`"
            raise InvalidInput([Problem(path=path, message=message, line=1, column=1, hint="llmops-git init")])
        return closure, Source(file, closure.dependencies, contents)

    def _evaluation(
        self, source: Source, resolved: dict[str, Json], *, unchecked: bool = False
    ) -> tuple[Evaluation, tuple[CaseFile, ...]]:
        from llmops_git.configs.resolve_evaluation import resolve_evaluation

        return resolve_evaluation(source, resolved.get("inputs", {}), self.load_judge_for(source, unchecked=unchecked))

    def load_judge_for(self, source: Source, *, unchecked: bool = False) -> LoadJudge:
        """Loads the judges that a config or its packs ask; what is wrong with one is wrong with the config."""

        def load_judge(path: str) -> Config | None:
            judge = self._judge(path, unchecked=unchecked)
            if isinstance(judge, InvalidInput):
                source.problems.extend(judge.problems)
                return None
            return judge

        return load_judge

    def _judge(self, path: str, *, unchecked: bool) -> Config | InvalidInput:
        """A judge, loaded once for all configs that share it."""
        key = (path, unchecked)
        if key not in self._judges:
            try:
                self._judges[key] = self.load_unchecked(path, as_judge=True) if unchecked else self.load(path, as_judge=True)
            except InvalidInput as error:
                self._judges[key] = error
        return self._judges[key]

    def _check(self, source: Source, resolved: dict[str, Json], templates: Templates, broken: frozenset[str]) -> None:
        from llmops_git.configs import checks

        checks.check_name(source)
        checks.check_measured(source)
        if "model" not in broken:
            checks.check_model(source, self._policy)
        if "retrieval" in source.value and "retrieval" not in broken:
            checks.check_retrieval(source, self._policy)
        checks.check_schemas(source, resolved, broken)
        if "inputs" not in broken:
            checks.check_templates(source, templates, resolved)


def _check_evaluation(
    source: Source, resolved: dict[str, Json], evaluation: Evaluation, files: tuple[CaseFile, ...], broken: frozenset[str]
) -> None:
    from llmops_git.configs import checks

    checks.check_scorer_schemas(source, evaluation)
    if "guardrails" not in broken | _sections(source.problems, source.path):
        checks.check_guardrail_scorers(source, resolved, evaluation)
    if "inputs" not in broken | _sections(source.problems, source.path):
        render = not broken and not any(problem.severity == "error" for problem in source.problems)
        checks.check_rows(source, resolved, files, render=render)


def _sections(problems: Iterable[Problem], path: str) -> frozenset[str]:
    """The top-level fields of the file at `path` that have an error."""
    errors = (problem.pointer for problem in problems if problem.path == path and problem.severity == "error")
    return frozenset(match[1] for pointer in errors if (match := _SECTION.match(pointer)))


def _made(
    source: Source,
    closure: Closure,
    resolved: dict[str, Json],
    evaluation: Evaluation | None,
    documents: tuple[Document, ...],
    warnings: tuple[Problem, ...],
) -> Config:
    value: dict[str, Any] = source.value
    return Config(
        name=config_name(source.path),
        path=source.path,
        kind=value.get("kind", "config"),
        description=value.get("description", ""),
        owner=value.get("owner", ""),
        resolved=resolved,
        digest=digest_of(resolved),
        closure=closure.dependencies,
        closure_digest=closure_digest(closure.dependencies),
        documents=documents,
        evaluation=evaluation,
        scale=scale_of(value.get("scale")),
        critical=value.get("critical", False),
        warnings=warnings,
    )


def _documents(source: Source) -> tuple[Document, ...]:
    """The corpus; a file that is not text is a problem."""
    documents = []
    for item in source.files("corpus"):
        try:
            text = decode(source.contents[item.path], item.path, limit=MAX_DOCUMENT)
        except InvalidInput as error:
            source.problems.extend(error.problems)
        else:
            documents.append(Document(path=item.path, text=text))
    return tuple(documents)


def _ordered(problems: Iterable[Problem], path: str) -> tuple[Problem, ...]:
    """Distinct problems, those of the config file first, then by file and place."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda item: (item.path != path, item.path, item.line, item.column)))
