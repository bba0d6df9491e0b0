"""What a config is: values, loading, digests and differences. No I/O."""

from __future__ import annotations
