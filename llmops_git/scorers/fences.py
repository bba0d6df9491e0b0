"""Structured output as it stands, or out of its code fence where the config allows one."""

from __future__ import annotations

from llmops_git.scorers.outputs import FENCE, unfenced


def body_of(output: str, *, fenced: bool) -> str:
    """What is to be read: the output, with `fenced` without the fence around it."""
    return unfenced(output) if fenced else output


def is_fenced(output: str) -> bool:
    """Whether a code fence around everything may be what is wrong."""
    return output.strip().startswith(FENCE) and unfenced(output) != output
