"""Canonical JSON (RFC 8785): the one byte string of a value that digests are made of."""

from __future__ import annotations

from llmops_git.configs.values import Json


def canonical_json(value: Json) -> bytes:
    """The canonical bytes of a JSON value. Raises ValueError when JSON cannot carry it exactly (NaN, integers beyond
    2^53, lone surrogates, keys that are not strings)."""
    import rfc8785

    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise ValueError(f"not exact in JSON: {error}") from None
