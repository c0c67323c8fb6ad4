"""The seal: one key, made once, read by its owner only, and never a key that anybody can guess."""

import stat
import threading
from dataclasses import replace

import pytest

from app.seal import Seal, load_seal
from app.settings import Settings, SettingsError


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, secret_key=None)


def test_the_key_is_made_once_and_only_its_owner_reads_it(settings: Settings) -> None:
    sealed = load_seal(settings).close("https://hooks.slack.example/x")
    assert load_seal(settings).open(sealed) == "https://hooks.slack.example/x"
    assert "slack" not in sealed
    assert stat.S_IMODE((settings.data / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in settings.data.iterdir()] == ["secret.key"]


def test_many_that_start_at_once_share_one_key(settings: Settings) -> None:
    gate, found = threading.Barrier(8), []

    def start() -> None:
        gate.wait()
        found.append(load_seal(settings).author("somebody"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_another_key_cannot_open_it_and_says_what_to_do() -> None:
    sealed = Seal(b"one").close("secret")
    with pytest.raises(SettingsError, match=r"COCOON_SECRET_KEY"):
        Seal(b"two").open(sealed)
    with pytest.raises(SettingsError):
        Seal(b"one").open("not sealed at all")


def test_an_empty_key_file_is_no_key(settings: Settings) -> None:
    (settings.data / "secret.key").touch()
    with pytest.raises(SettingsError, match="damaged"):
        load_seal(settings)


def test_a_folder_that_cannot_be_used_is_one_sentence(settings: Settings) -> None:
    (settings.data / "file").touch()
    with pytest.raises(SettingsError, match="COCOON_SECRET_KEY"):
        load_seal(replace(settings, data=settings.data / "file"))


def test_authors_are_told_apart_but_not_told() -> None:
    seal = Seal(b"one")
    assert seal.author("a:Jean") == seal.author("a:Jean")
    assert len({seal.author("a:Jean"), seal.author("a:Jeanne"), Seal(b"two").author("a:Jean")}) == 3
    assert "Jean" not in seal.author("a:Jean")
    assert seal.author("\ud800")


def test_each_use_has_a_key_of_its_own() -> None:
    seal = Seal(b"one")
    assert len({seal.derive(use) for use in ("seal", "author", "cookie")}) == 3
