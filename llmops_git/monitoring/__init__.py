"""What happens in production: the store of traces, metrics over it, rules that alert, and the way back into eval sets."""

from __future__ import annotations
