"""When the next request to one provider may start: from configured limits, from response headers, or learned. Pure."""

from __future__ import annotations

from llmops_git.evals.pacing.pace import Charge, Limits, Pace, Turn

__all__ = ["Charge", "Limits", "Pace", "Turn"]
