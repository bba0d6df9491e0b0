"""Message and query templates to their canonical form, the files they include among them, named by content."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmops_git.configs.digest import partial_name
from llmops_git.configs.source import Pointer, Source
from llmops_git.configs.template_source import TemplateSourceError, canonical_source, includes_of
from llmops_git.configs.text import decode
from llmops_git.errors import InvalidInput, Problem

MAX_CHARACTERS = 2 << 20  # of all templates of one config
MAX_FILES = 200  # templates of one config
MISSING = "missing"  # what an include that may be missing, and is, is called


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A template as it was written. `path` is its file; "" when it stands in the config at `pointer`."""

    path: str
    pointer: Pointer
    text: str


@dataclass(slots=True)
class Templates:
    """All templates of one config: the included ones by name, in canonical form, and the originals for checking."""

    partials: dict[str, str] = field(default_factory=dict)
    originals: list[Original] = field(default_factory=list)
    _characters: int = 0
    _done: dict[str, str] = field(default_factory=dict)

    def resolve(self, source: Source, pointer: Pointer, text: str) -> str:
        """The canonical form of a template that stands in the config at `pointer`."""
        return self._canonical(source, text, "", pointer, ())

    def resolve_file(self, source: Source, path: str) -> str:
        """The canonical form of a template file."""
        try:
            text = decode(source.contents[path], path)
        except InvalidInput as error:
            source.problems.extend(problem for problem in error.problems if problem not in source.problems)
            return ""
        return self._canonical(source, text, path, (), (path,))

    def _canonical(self, source: Source, text: str, path: str, pointer: Pointer, chain: tuple[str, ...]) -> str:
        try:
            rename = {name: self._partial(source, name, line, path, pointer, chain) for name, line in includes_of(text)}
            canonical = canonical_source(text, rename)
        except TemplateSourceError as error:
            self._blame(source, path, pointer, error.line, error.message, error.hint)
            return ""
        original = Original(path=path, pointer=pointer, text=text)
        if original not in self.originals:
            self.originals.append(original)
            self._characters += len(text)
            if self._characters > MAX_CHARACTERS or len(self.originals) > MAX_FILES:
                message = f"its templates are more than {MAX_FILES} or have more than {MAX_CHARACTERS:,} characters"
                raise InvalidInput([Problem(path=source.path, message=message)])
        return canonical

    def _partial(self, source: Source, name: str, line: int, via: str, pointer: Pointer, chain: tuple[str, ...]) -> str:
        """The name by content of an included template."""
        path = source.target(name, via)
        if not path:
            return MISSING  # the closure says why, unless the include may be missing
        if path in chain:
            circle = " -> ".join([*chain[chain.index(path) :], path])
            self._blame(source, via, pointer, line, f"the template includes itself: {circle}", "")
            return MISSING
        if path not in self._done:
            try:
                text = decode(source.contents[path], path)
            except InvalidInput as error:
                source.problems.extend(error.problems)
                self._done[path] = MISSING
                return MISSING
            canonical = self._canonical(source, text, path, (), (*chain, path))
            self._done[path] = partial_name(canonical)
            self.partials[self._done[path]] = canonical
        return self._done[path]

    @staticmethod
    def _blame(source: Source, path: str, pointer: Pointer, line: int, message: str, hint: str) -> None:
        if path:
            source.add_to(path, line, message, hint)
        else:
            source.add(pointer, message, hint, line_in_value=line)
