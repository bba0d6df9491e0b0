"""The direction of imports is part of the design: import-linter holds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_imports_point_one_way() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(tool)], capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    assert 0 == done.returncode, done.stdout[-3000:]
