"""Root keeps its folders closed: the server then lives where its user can reach it."""

import os
from pathlib import Path

import pytest

from app.embedded import placing
from app.embedded.placing import place

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends the server another user")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(placing, "ELSEWHERE", tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


@as_root
def test_a_closed_parent_sends_the_server_elsewhere_always_the_same(tmp_path: Path, elsewhere: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    first = place(closed / "data")
    assert first.parent == elsewhere
    assert place(closed / "data") == first
    assert (closed / "data" / "server").readlink() == first
    assert place(closed / "other") != first


@as_root
def test_an_open_parent_keeps_it_in_the_data_folder() -> None:
    folder = Path("/var/tmp") / f"cocoon-test-{os.getpid()}"
    assert place(folder) == folder
    folder.mkdir(mode=0o700)
    try:
        assert place(folder) == folder, "an empty folder is handed over"
        (folder / "other things").touch()
        assert place(folder) != folder, "a folder in use for other things is not"
    finally:
        (folder / "server").unlink(missing_ok=True)
        (folder / "other things").unlink(missing_ok=True)
        folder.rmdir()


@pytest.mark.skipif(os.geteuid() == 0, reason="as root see above")
def test_an_ordinary_user_keeps_its_folder(tmp_path: Path) -> None:
    assert place(tmp_path / "data") == tmp_path / "data"
