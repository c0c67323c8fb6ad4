"""Destinations that the environment names: made once, kept in step, and what people chose for them is kept."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.seal import Seal
from app.settings import Settings
from app.telling import destinations_from_settings
from models.incidents import Destination

SEAL = Seal(b"tests")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, slack_webhook="https://hooks.slack.example/one", webhook_url="https://example.org/hook")


def named(session: Session, kind: str) -> Destination:
    return session.scalars(select(Destination).where(Destination.kind == kind)).one()


def test_each_is_made_once_and_its_secret_sealed(db: Session, settings: Settings) -> None:
    for _ in range(2):
        destinations_from_settings(db, settings, SEAL)
    slack = named(db, "slack")
    assert slack.config == {}
    assert "hooks" not in (slack.sealed or "")
    assert SEAL.open(slack.sealed or "") == settings.slack_webhook
    assert named(db, "webhook").config == {"url": settings.webhook_url}


def test_what_people_chose_survives_a_restart(db: Session, settings: Settings) -> None:
    destinations_from_settings(db, settings, SEAL)
    slack, webhook = named(db, "slack"), named(db, "webhook")
    slack.config, slack.enabled = {"levels": ["watch", "alert"]}, False
    webhook.config = {**webhook.config, "levels": ["watch"]}
    destinations_from_settings(db, settings, SEAL)
    assert (slack.config, slack.enabled) == ({"levels": ["watch", "alert"]}, False)
    assert webhook.config["levels"] == ["watch"]


def test_another_address_takes_its_place_and_is_switched_on(db: Session, settings: Settings) -> None:
    destinations_from_settings(db, settings, SEAL)
    slack = named(db, "slack")
    slack.enabled, slack.disabled_reason, slack.config = False, "gone", {"levels": ["watch"]}
    destinations_from_settings(db, replace(settings, slack_webhook="https://hooks.slack.example/two"), SEAL)
    assert SEAL.open(slack.sealed or "").endswith("/two")
    assert (slack.enabled, slack.disabled_reason, slack.config) == (True, "", {"levels": ["watch"]})


def test_a_lost_key_does_not_keep_the_service_from_starting(db: Session, settings: Settings) -> None:
    destinations_from_settings(db, settings, SEAL)
    destinations_from_settings(db, settings, Seal(b"another"))
    assert Seal(b"another").open(named(db, "slack").sealed or "") == settings.slack_webhook
