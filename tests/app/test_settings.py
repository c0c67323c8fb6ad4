"""Settings: what the environment says, one clear sentence where it cannot be used, and no secret in sight."""

from pathlib import Path

import pytest

from app.settings import SettingsError, read_settings


def test_an_empty_environment_is_a_sound_one() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8765, None)
    assert settings.loopback_only
    assert settings.base_url == "http://127.0.0.1:8765"
    assert settings.data.is_absolute()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COCOON_PORT", "eighty"),
        ("COCOON_PORT", "65536"),
        ("COCOON_PORT", "-1"),
        ("COCOON_PORT", "٣"),
        ("COCOON_WORKERS", "0"),
        ("COCOON_HOST_INTERVAL_MS", "1.5"),
        ("COCOON_LOG_JSON", "perhaps"),
        ("COCOON_BASE_URL", "cocoon.example"),
        ("COCOON_APP_STORE_URL", "ftp://example.org"),
        ("DATABASE_URL", "mysql://root:s3cret@localhost/x"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as found:
        read_settings({name: value})
    assert name in str(found.value)
    assert "s3cret" not in str(found.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_spelling_of_a_postgres_address_will_do(scheme: str) -> None:
    settings = read_settings({"DATABASE_URL": f"{scheme}://u:p@db:5432/x?sslmode=require"})
    assert settings.database_url == "postgresql+psycopg://u:p@db:5432/x?sslmode=require"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("DATABASE_URL", "database_url", "postgresql+psycopg://u:s3cret@db/x"),
        ("COCOON_SECRET_KEY", "secret_key", "s3cret"),
        ("COCOON_SLACK_WEBHOOK", "slack_webhook", "https://hooks.slack.example/s3cret"),
        ("COCOON_WEBHOOK_SECRET", "webhook_secret", "whsec_s3cret"),
    ],
)
def test_a_secret_comes_from_a_file_and_stays_out_of_sight(tmp_path: Path, name: str, field: str, value: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{value}\n")
    settings = read_settings({f"{name}_FILE": str(file)})
    assert getattr(settings, field) == value
    assert "s3cret" not in repr(settings)
    with pytest.raises(SettingsError, match=name):
        read_settings({f"{name}_FILE": str(file), name: value})
    with pytest.raises(SettingsError, match=f"{name}_FILE"):
        read_settings({f"{name}_FILE": str(tmp_path / "nothing")})


@pytest.mark.parametrize(
    ("host", "shown", "alone"),
    [("127.0.0.1", "127.0.0.1", True), ("0.0.0.0", "127.0.0.1", False), ("::1", "[::1]", True)],
)
def test_the_address_that_people_open(host: str, shown: str, alone: bool) -> None:
    settings = read_settings({"COCOON_HOST": host, "COCOON_PORT": "9000"})
    assert settings.base_url == f"http://{shown}:9000"
    assert settings.loopback_only is alone


def test_a_public_address_has_no_slash_at_its_end() -> None:
    assert read_settings({"COCOON_BASE_URL": "https://cocoon.example/"}).base_url == "https://cocoon.example"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_MESSAGES": "fr"}, "fr"),
    ],
)
def test_the_language_is_that_of_the_terminal(environ: dict[str, str], language: str) -> None:
    assert read_settings(environ).language == language
