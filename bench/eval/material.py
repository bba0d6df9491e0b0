"""What both sides of the benchmark work on: 1,000 cases with about 2 KB of prompt each."""

from __future__ import annotations

CASES = 1000
SYSTEM = "You route customer messages to a queue. " * 30
SHAPE = "Answer with JSON: queue (billing, delivery, account or other) and reason."
MODEL = "bench-model"
PARAMETERS = {"temperature": 0, "max_tokens": 200}


def message(number: int) -> str:
    """The text of one case."""
    return f"Message {number}: I was charged twice for order {number * 37}, and nobody answers. " + "Please help me soon. " * 20
