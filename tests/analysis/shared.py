"""Where the shared data is, beside the project; tests that need it skip where it is absent."""

from pathlib import Path

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
