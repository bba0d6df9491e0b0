"""What one request did: spans and their OTLP form. No I/O."""

from __future__ import annotations
