"""xml: the output is well-formed XML, and an element is in it. Nothing is loaded, no entity is expanded."""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.fences import body_of, is_fenced
from llmops_git.scorers.results import empty, failed, passed, quoted

MOST_CHARACTERS = 1_000_000
MOST_DEPTH = 1_000
_SEPARATOR = "\n"  # between namespace and name; no name contains it


@dataclass(frozen=True, slots=True, kw_only=True)
class Xml:
    """`element` is a path of names, without prefixes: `answer`, `answer/item` anywhere, `/answer/item` from the root."""

    element: str = ""
    fenced: bool = False
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if not sample.output.strip():
            return empty()
        if len(sample.output) > MOST_CHARACTERS:
            return failed(f"{len(sample.output):,} characters, more than {MOST_CHARACTERS:,} are not read", label="too long")
        reader = _Reader(self.element)
        try:
            reader.read(body_of(sample.output, fenced=self.fenced).strip())
        except _Refused as refused:
            return failed(str(refused), label="unsafe")
        except (expat.ExpatError, ValueError) as error:
            return failed("the XML stands in a code fence" if is_fenced(sample.output) else f"not well-formed: {error}")
        return passed() if reader.found else failed(f"there is no element {quoted(self.element)}")


class _Refused(Exception):  # turned into a score above
    """Well-formed or not, this is not read."""


class _Reader:
    """Follows the elements. Expat loads nothing from outside by itself; what would make it expand is refused before."""

    def __init__(self, element: str) -> None:
        self._wanted = [part for part in element.split("/") if part]
        self._from_root = element.startswith("/")
        self._open: list[str] = []
        self.found = not self._wanted

    def read(self, text: str) -> None:
        """Raises _Refused, or what expat raises."""
        parser = expat.ParserCreate(encoding="utf-8", namespace_separator=_SEPARATOR)
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.Parse(text.encode("utf-8"), True)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:  # noqa: ARG002
        if internal:
            raise _Refused("it declares its own document type, with which it could grow without end")

    def _entity(self, *_: object) -> None:
        raise _Refused("it declares entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002
        self._open.append(name.rpartition(_SEPARATOR)[2])
        if len(self._open) > MOST_DEPTH:
            raise _Refused(f"it is nested deeper than {MOST_DEPTH}")
        size = len(self._wanted)
        if not self.found and self._open[-size:] == self._wanted:
            self.found = len(self._open) == size or not self._from_root

    def _end(self, name: str) -> None:  # noqa: ARG002
        self._open.pop()


def build(settings: ScorerSettings) -> Xml:
    return Xml(element=settings.options.get("element", ""), fenced=settings.options.get("fenced", False))
