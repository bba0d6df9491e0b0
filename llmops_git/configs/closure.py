"""The closure of a config: every file it reads, directly or through other files, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from llmops_git.configs.glob import compile_glob, glob_folder
from llmops_git.configs.references import Mention, Reference, References, Scan, Syntax, problem_with, resolve, scan, syntax_of
from llmops_git.configs.tree import SUBMODULE_MODE, SYMLINK_MODE, Entry, Tree
from llmops_git.configs.values import Dependency, Role
from llmops_git.errors import Problem

MAX_FILES = 10_000
_MAX_SIBLINGS = 500  # names that a "did you mean" is searched among

ScanFiles = Callable[[Sequence[tuple[str, Entry, Syntax]]], Sequence[Scan]]


class Closure(NamedTuple):
    """What a config reads: `dependencies` sorted by path, the config itself among them (`via` is "").

    A file that is read in two roles is there twice. `missing` are (path, naming file) of names with no file to read behind
    them, `patterns` are (glob, naming file): a file that appears there joins the closure. With problems it may be cut short.
    """

    dependencies: tuple[Dependency, ...]
    problems: tuple[Problem, ...]
    missing: tuple[tuple[str, str], ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()


def closure_of(tree: Tree, path: str, root: str = "") -> Closure:
    """The closure of the config (or judge) at `path`; `root` is the folder of the policy. Never raises for bad files."""
    return Closures(tree, root).of(path)


class Closures:
    """The closures of many configs of one tree: each file is read and scanned once."""

    def __init__(self, tree: Tree, root: str = "", *, scan_files: ScanFiles | None = None) -> None:
        self._tree = tree
        self._root = root
        self._scan_files = scan_files or self._read_and_scan
        self._references: dict[tuple[str, Syntax], References] = {}
        self._matches: dict[str, Mapping[str, Entry]] = {}
        self._closures: dict[str, Closure] = {}

    def prepare(self, paths: Iterable[str]) -> None:
        """Scan all that these configs reach, level by level, so that each level is one read."""
        seen: set[tuple[str, Syntax]] = set()
        level: set[tuple[str, Syntax]] = {(path, "config") for path in paths}
        expect = getattr(self._tree, "expect", None)  # a tree that reads folders from git reads many at once
        while level:
            seen |= level
            if expect is not None:
                expect(path for path, _ in level)
            self._scan(level)
            named = [item for key in level for item in self._references.get(key, References()).items]
            if expect is not None:
                expect(item.path for item in named if not item.glob)
            level = {
                (path, syntax_of(item.role)) for item in named if syntax_of(item.role) for path in self._paths(item)
            } - seen

    def of(self, path: str) -> Closure:
        """The closure of one config."""
        if path not in self._closures:
            self._closures[path] = _Walk(self, path).closure()
        return self._closures[path]

    def entry(self, path: str) -> Entry | None:
        return self._tree.entry(path)

    def references(self, path: str, role: Role) -> References:
        """What the (existing) file at `path` names."""
        key = (path, syntax_of(role))
        if key not in self._references:
            self._scan([key])
        return self._references[key]

    def matches(self, pattern: str) -> Mapping[str, Entry]:
        """The files that a glob stands for, sorted by path."""
        if pattern not in self._matches:
            fits = compile_glob(pattern).fullmatch
            entries = self._tree.walk(glob_folder(pattern))
            self._matches[pattern] = {path: entries[path] for path in sorted(entries) if fits(path)}
        return self._matches[pattern]

    def problem(self, path: str, mention: Mention, message: str, hint: str = "") -> Problem:
        """A problem with what `path` mentions, at the place where it does."""
        return problem_with(path, self._tree.read([path]).get(path, b""), mention, message, hint)

    def why_missing(self, path: str) -> tuple[str, str]:
        """What is at `path` instead of a file, and a hint."""
        folder, _, name = path.rpartition("/")
        if self._tree.walk(path):
            return "this is a folder, not a file", ""
        siblings = [other.rpartition("/")[2] for other in self._tree.walk(folder)]
        if len(siblings) > _MAX_SIBLINGS:
            return "no such file", ""
        from llmops_git.configs.paths import suggestion

        return "no such file", suggestion(name, siblings)

    def _paths(self, item: Reference) -> Iterable[str]:
        return self.matches(item.path) if item.glob else (item.path,)

    def _scan(self, keys: Iterable[tuple[str, Syntax]]) -> None:
        new = [key for key in keys if key not in self._references]
        found = [(path, entry, syntax) for path, syntax in new if (entry := self.entry(path)) is not None]
        for path, _, syntax in found:
            self._references[path, syntax] = References()
        readable = [item for item in found if item[2] and not _refusal(item[1])]
        for (path, _, syntax), result in zip(readable, self._scan_files(readable), strict=True):
            self._references[path, syntax] = resolve(path, result, self._root)

    def _read_and_scan(self, files: Sequence[tuple[str, Entry, Syntax]]) -> Sequence[Scan]:
        contents = self._tree.read([path for path, _, _ in files])
        return [scan(contents.get(path, b""), syntax, path) for path, _, syntax in files]


class _Walk:
    """One closure, being collected breadth first: the shortest chain to a file is the one that is kept."""

    def __init__(self, closures: Closures, path: str) -> None:
        self._closures = closures
        self._path = path
        self._found: dict[tuple[str, Role], Dependency] = {}
        self._expanded: set[tuple[str, Syntax]] = set()
        self._problems: list[Problem] = []
        self._missing: dict[tuple[str, str], None] = {}
        self._patterns: dict[tuple[str, str], None] = {}

    def closure(self) -> Closure:
        level = self._start()
        while level and len(self._found) <= MAX_FILES:
            level = [item for dependency in level for item in self._expand(dependency)]
        if len(self._found) > MAX_FILES:
            self._problems.append(Problem(path=self._path, message=f"this config reads more than {MAX_FILES:,} files"))
        return Closure(
            tuple(self._found[key] for key in sorted(self._found)),
            tuple(self._problems),
            tuple(self._missing),
            tuple(self._patterns),
        )

    def _start(self) -> list[Dependency]:
        entry = self._closures.entry(self._path)
        refusal = "no such file" if entry is None else _refusal(entry)
        if entry is None or refusal:
            self._problems.append(Problem(path=self._path, message=refusal))
            return []
        dependency = Dependency(self._path, entry.mode, entry.oid, "config", "")
        self._found[self._path, "config"] = dependency
        return [dependency]

    def _expand(self, dependency: Dependency) -> list[Dependency]:
        """The files that this one names and that are new."""
        key = (dependency.path, syntax_of(dependency.role))
        if not key[1] or key in self._expanded:
            return []
        self._expanded.add(key)
        found = self._closures.references(dependency.path, dependency.role)
        self._problems += found.problems
        self._problems += [self._closures.problem(dependency.path, mention, reason) for mention, reason in found.refused]
        return [added for item in found.items for added in self._follow(item, dependency.path)]

    def _follow(self, item: Reference, via: str) -> list[Dependency]:
        if not item.glob:
            entry = self._closures.entry(item.path)
            if entry is None:
                self._missing[item.path, via] = None
                self._blame_missing(item, via)
                return []
            return self._add(item, via, item.path, entry)
        self._patterns[item.path, via] = None
        matches = self._closures.matches(item.path)
        if not matches:
            blocked = self._blocked(glob_folder(item.path) + "/")
            self._problems.append(self._closures.problem(via, item.mention, blocked or "no file fits this pattern"))
        return [added for path, entry in matches.items() for added in self._add(item, via, path, entry)]

    def _add(self, item: Reference, via: str, path: str, entry: Entry) -> list[Dependency]:
        if (path, item.role) in self._found:
            return []
        refusal = _refusal(entry)
        if refusal:
            self._missing[path, via] = None
            what = f"{path} {refusal}" if item.glob else refusal
            self._problems.append(self._closures.problem(via, item.mention, what))
            return []
        dependency = Dependency(path, entry.mode, entry.oid, item.role, via)
        self._found[path, item.role] = dependency
        return [dependency]

    def _blame_missing(self, item: Reference, via: str) -> None:
        if item.mention.optional:
            return
        message, hint = self._blocked(item.path), ""
        if not message:
            message, hint = self._closures.why_missing(item.path)
        self._problems.append(self._closures.problem(via, item.mention, message, hint))

    def _blocked(self, path: str) -> str:
        """Why nothing can be at `path`: a symbolic link or a submodule stands where a folder should."""
        position = path.find("/")
        while position >= 0:
            entry = self._closures.entry(path[:position])
            if entry is not None:
                return f"{path[:position]} {_refusal(entry) or 'is a file, not a folder'}"
            position = path.find("/", position + 1)
        return ""


def _refusal(entry: Entry) -> str:
    if entry.mode == SYMLINK_MODE:
        return "is a symbolic link, and links are not followed"
    if entry.mode == SUBMODULE_MODE:
        return "is a submodule, and submodules are not read"
    return ""
