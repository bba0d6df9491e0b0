"""The part of a request that finds documents and calls tools: the application's own functions, recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

from llmops_git.runtime.documents import documents_of, spoken
from llmops_git.runtime.recording import Recording
from llmops_git.runtime.steps import AsJson, Step
from llmops_git.traces import attributes as names

T = TypeVar("T")


class Finding(Recording):
    """Searches and tools. `documents` are those found last, as templates see them."""

    documents: tuple[dict[str, Any], ...] = ()

    def retrieve(
        self, query: str, search: Callable[..., T], /, *args: Any, name: str = "", top_k: int | None = None, **kwargs: Any
    ) -> T:
        """`search(query, *args, **kwargs)`, recorded. What it gives back is what templates see as `documents`; an iterator
        comes back as a list."""
        with self._around(names.RETRIEVAL, name or _name_of(search), _retrieval(search, query, name, top_k)) as step:
            return self._found(step, search(query, *args, **kwargs))

    async def aretrieve(
        self,
        query: str,
        search: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        name: str = "",
        top_k: int | None = None,
        **kwargs: Any,
    ) -> T:
        """`await search(query, *args, **kwargs)`, recorded as `retrieve` does."""
        with self._around(names.RETRIEVAL, name or _name_of(search), _retrieval(search, query, name, top_k)) as step:
            return self._found(step, await search(query, *args, **kwargs))

    def tool(self, name: str, arguments: Any, call: Callable[..., T], *, id: str = "") -> T:  # noqa: A002
        """Call a tool, recorded: `call(**arguments)` for a mapping, `call(arguments)` for anything else. `id` is the call's, as
        the model gave it."""
        with self._around(names.EXECUTE_TOOL, name, _tool(name, arguments, id)) as step:
            return _told(step, call(**arguments) if isinstance(arguments, Mapping) else call(arguments))

    async def atool(self, name: str, arguments: Any, call: Callable[..., Awaitable[T]], *, id: str = "") -> T:  # noqa: A002
        """As `tool`, for a call that is awaited."""
        with self._around(names.EXECUTE_TOOL, name, _tool(name, arguments, id)) as step:
            return _told(step, await (call(**arguments) if isinstance(arguments, Mapping) else call(arguments)))

    def _found(self, step: Step, found: T) -> T:
        if isinstance(found, Iterator):
            found = list(found)  # type: ignore[assignment]  # it can be read only once
        try:
            self.documents = documents_of(found)
            step.attributes[names.DOCUMENTS] = spoken(self.documents)
            step.attributes.setdefault(names.TOP_K, len(self.documents))
        except Exception as error:  # noqa: BLE001  # objects of any library
            self._router.counts.trouble("steps_incomplete", error)
        return found


def _retrieval(search: Any, query: Any, name: str, top_k: int | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {names.DATA_SOURCE: name or _name_of(search), names.QUERY: query}
    if top_k is not None:
        attributes[names.TOP_K] = top_k
    return attributes


def _tool(name: str, arguments: Any, call: str) -> dict[str, Any]:
    """The arguments are copied: the application may change them when it is called."""
    written = arguments if isinstance(arguments, str) else AsJson(dict(arguments) if isinstance(arguments, dict) else arguments)
    return {names.TOOL_NAME: name, names.TOOL_CALL: call, names.TOOL_ARGUMENTS: written}


def _told(step: Step, result: T) -> T:
    step.attributes[names.TOOL_RESULT] = result if isinstance(result, str) else AsJson(result)
    return result


def _name_of(search: Any) -> str:
    try:
        return str(search.__name__)
    except Exception:  # noqa: BLE001  # whatever it is, it can be called
        return type(search).__name__
