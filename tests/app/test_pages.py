"""Every page, full and empty, in both languages."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.reading.trends import Period, known_days
from models.feedback import Verbatim
from models.incidents import Delivery, Destination, Incident
from models.sources import Source
from tests.app.conftest import NOW, TODAY
from tests.app.seed import Portfolio

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}
ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}


def pages(portfolio: Portfolio | None) -> list[str]:
    found = [
        "/",
        "/setup",
        "/incidents",
        "/sources",
        "/destinations",
        "/inbox",
        "/settings",
        "/settings/people",
        "/settings/keys",
        "/settings/model",
        "/settings/audit",
        "/account",
    ]
    for app in portfolio.apps if portfolio else []:
        found += [
            f"/apps/{app.id}{tail}" for tail in ("", "?days=90", "?days=730", "/reviews", "/incidents", "/sources")
        ]
    if portfolio and portfolio.incident:
        found.append(f"/incidents/{portfolio.incident.id}")
    return found


def title(html: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    assert found, "every page begins with a sentence"
    return unescape(found[1]).replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize("language", [FRENCH, ENGLISH])
def test_every_page_answers_under_a_strict_policy(
    web: TestClient, portfolio: Portfolio, language: dict[str, str]
) -> None:
    for path in pages(portfolio):
        answer = web.get(path, headers=language)
        assert answer.status_code == 200, (path, answer.text[:500])
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?! src)", answer.text), path
        assert f'<html lang="{language["Accept-Language"][:2]}"' in answer.text
        assert answer.text.count("<h1") == 1


@pytest.mark.parametrize("language", [FRENCH, ENGLISH])
def test_every_page_answers_on_an_empty_database(web: TestClient, language: dict[str, str]) -> None:
    for path in pages(None):
        answer = web.get(path, headers=language)
        assert answer.status_code == 200, (path, answer.text[:500])
    assert 'href="/setup"' in web.get("/").text


def test_the_first_sentences_say_what_is_going_on(web: TestClient, portfolio: Portfolio) -> None:
    first, calm, empty = (app.id for app in portfolio.apps)
    assert title(web.get("/", headers=FRENCH).text) == "Banque Mésange demande votre attention."
    told = title(web.get(f"/apps/{first}", headers=FRENCH).text)
    assert told == "La note baisse depuis la 7.10 : 4,1 → 3,1, surtout « Connexion impossible »."
    assert title(web.get(f"/apps/{first}", headers=ENGLISH).text).startswith(
        "The rating is falling since 7.10: 4.1 → 3.1"
    )
    assert re.match(r"La note est de 4,\d ± 0,\d sur 28 jours\.", title(web.get(f"/apps/{calm}", headers=FRENCH).text))
    assert title(web.get(f"/apps/{empty}", headers=FRENCH).text) == "Rien n’est encore lu."
    assert (
        title(web.get(f"/apps/{first}/sources", headers=FRENCH).text)
        == "Tout est complet, sauf Google Play fr (6 jours). La dernière lecture d’une source n’a pas tout apporté."
    )
    incident = title(web.get(f"/incidents/{portfolio.incident.id}", headers=FRENCH).text)  # type: ignore[union-attr]
    assert incident == "4,1 → 3,1 ★ sur 88 avis"


def test_a_fall_that_comes_with_an_irritant_is_told_by_its_stars(
    web: TestClient, portfolio: Portfolio, db: Session
) -> None:
    incident = portfolio.incident
    assert incident is not None
    fall = {"rule": "rating_drop", "subject": "app", "score": 4.2, "effect": incident.effect}
    incident.rule, incident.subject = "new_irritant", "topic:sign_in"
    incident.effect = {"before": 0.012, "after": 0.31, "n_before": 900, "n_after": 88}
    db.flush()
    app = f"/apps/{incident.app_id}"
    assert title(web.get(app, headers=FRENCH).text) == (
        "« Connexion impossible » irrite de plus en plus depuis la 7.10 : 1,2 % → 31 % des avis."
    )
    incident.evidence = {**incident.evidence, "support": [fall]}
    db.flush()
    assert title(web.get(app, headers=FRENCH).text).startswith("La note baisse depuis la 7.10 : 4,1 → 3,1")
    page = web.get(f"/incidents/{incident.id}", headers=ENGLISH).text
    assert title(page) == "4.1 → 3.1 ★ on 88 reviews, mostly “Cannot sign in”"
    assert "4.1 → 3.1 ★ on 88 reviews" in page
    assert "<svg" in page


@pytest.mark.parametrize(
    ("rule", "subject", "asks"),
    [
        ("urgent", "app", "urgent=true"),
        ("unanswered", "app", "stars=1&amp;stars=2&amp;replied=false"),
        ("keyword", "keyword:fuite", "q=%22fuite%22"),
        ("new_irritant", "topic:sign_in", "topic=sign_in&amp;topic_negative=true"),
        ("bad_release", "version:google_play:7.10", "version=7.10&amp;channel=google_play"),
        ("rating_drop", "storefront:app_store:fr", "channel=app_store&amp;storefront=fr"),
    ],
)
def test_what_an_incident_saw_opens_the_verbatims_that_its_rule_looks_at(
    web: TestClient, db: Session, portfolio: Portfolio, rule: str, subject: str, asks: str
) -> None:
    incident = portfolio.incident
    assert incident is not None
    window = incident.evidence["window"]
    incident.rule, incident.subject = rule, subject
    incident.effect = {"before": 0.4, "after": 5.0, "n_after": 5}
    db.flush()
    page = web.get(f"/incidents/{incident.id}", headers=FRENCH).text
    assert f"{asks}&amp;from={window['from']}&amp;to={window['to']}" in page


def test_an_open_incident_says_when_it_was_last_seen(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    incident = portfolio.incident
    assert incident is not None
    assert "vu la dernière fois" not in web.get("/", headers=FRENCH).text
    long_ago = incident.opened_day - timedelta(days=9)
    incident.rule, incident.effect = "urgent", {"before": 0.4, "after": 5.0, "n_after": 5}
    incident.evidence = {"window": {"from": str(long_ago), "to": str(long_ago), "days": 2, "reviews": 5}}
    db.flush()
    for path in ("/", f"/incidents/{incident.id}"):
        assert "vu la dernière fois le" in web.get(path, headers=FRENCH).text
    headline = title(web.get(f"/apps/{incident.app_id}", headers=FRENCH).text)
    assert headline.startswith("5 avis urgents en deux jours, vu la dernière fois le ")
    incident.state = "resolved"
    db.flush()
    assert "vu la dernière fois" not in web.get(f"/incidents/{incident.id}", headers=FRENCH).text


def test_an_acknowledged_incident_no_longer_asks_for_attention(
    web: TestClient, portfolio: Portfolio, db: Session
) -> None:
    incident = portfolio.incident
    assert incident is not None
    answer = web.post(f"/incidents/{incident.id}/acknowledge")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{incident.id}?done=acknowledged")
    db.expire_all()
    assert db.get_one(Incident, (incident.app_id, incident.id)).state == "acknowledged"
    assert (
        title(web.get("/", headers=FRENCH).text)
        == "Rien de neuf : un incident est pris en charge ou en silence. Rien n’est encore lu de Mésange Jeunes."
    )
    page = web.get(answer.headers["location"], headers=FRENCH).text
    assert "vous vous en occupez." in page
    assert "Pris en charge" in page
    assert web.post(f"/incidents/{incident.id}/silence", data={"days": 3}).status_code == 303
    db.expire_all()
    until = db.get_one(Incident, (incident.app_id, incident.id)).silenced_until
    assert until == NOW + timedelta(days=3)
    said = title(web.get("/", headers=FRENCH).text)
    assert said.startswith("Rien de neuf"), said
    assert web.post(f"/incidents/{incident.id}/unsilence").status_code == 303
    db.expire_all()
    assert db.get_one(Incident, (incident.app_id, incident.id)).silenced_until is None
    assert web.post(f"/incidents/{incident.id}/resolve").status_code == 303
    assert "calme" in title(web.get("/", headers=FRENCH).text)
    assert web.post(f"/incidents/{incident.id}/reopen").status_code == 303
    assert web.post(f"/incidents/{incident.id}/silence", data={"days": 0}).status_code == 422
    assert web.post(f"/incidents/{incident.id}/explode").status_code == 422


@pytest.mark.parametrize(("hours", "said"), [(2, "prochaine dans 2 heures"), (-2, "attendue il y a 2 heures")])
def test_a_reading_that_is_late_is_no_next_one(
    web: TestClient, portfolio: Portfolio, db: Session, hours: int, said: str
) -> None:
    source = portfolio.sources[0]
    source.next_run_at = NOW + timedelta(hours=hours)
    db.flush()
    assert said in web.get(f"/apps/{source.app_id}/sources", headers=FRENCH).text.replace("\u202f", " ")


def test_sources_are_asked_for_through_the_queue(
    web: TestClient, portfolio: Portfolio, db: Session, deferred: list[Any]
) -> None:
    source = portfolio.sources[0]
    answer = web.post(f"/sources/{source.id}/run", data={"back": f"/apps/{source.app_id}/sources"})
    assert answer.headers["location"] == f"/apps/{source.app_id}/sources?done=queued"
    assert "data-once" in web.get(answer.headers["location"]).text
    web.post(f"/sources/{source.id}/backfill")
    wanted = {"source_id": source.id, "app_id": source.app_id}
    lock = ("collect", f"source:{source.id}")
    assert deferred == [
        (lock, wanted | {"trigger": "manual", "manner": ""}),
        (lock, wanted | {"trigger": "backfill", "manner": "backfill"}),
    ]
    web.post(f"/sources/{source.id}/pause")
    db.expire_all()
    assert db.get_one(Source, source.id).enabled is False
    assert web.post("/sources/999999/run").status_code == 404


def test_running_walks_show_their_progress_and_renew_the_page(web: TestClient, portfolio: Portfolio) -> None:
    reading = web.get(f"/apps/{portfolio.apps[2].id}/sources", headers=FRENCH).text
    assert 'value="42"' in reading
    assert "data-refresh" in reading
    assert "data-refresh" not in web.get(f"/apps/{portfolio.apps[0].id}/sources").text


def test_set_up_makes_the_app_and_asks_for_the_first_walk(web: TestClient, db: Session, deferred: list[Any]) -> None:
    form = {"link": "https://apps.apple.com/fr/app/x/id1533000042", "storefronts": ["fr", "be"], "languages": ["fr"]}
    answer = web.post("/setup", data=form)
    made = db.scalars(select(Source).order_by(Source.id)).all()
    assert {source.config["storefront"] for source in made} == {"fr", "be"}
    assert answer.headers["location"] == f"/apps/{made[0].app_id}/sources?done=added"
    assert [kwargs["source_id"] for _, kwargs in deferred] == [source.id for source in made]
    assert {kwargs["trigger"] for _, kwargs in deferred} == {"first"}
    assert "data-refresh" in web.get(answer.headers["location"]).text, "the first reviews are seen to arrive"
    again = web.post("/setup", data=form)
    assert again.status_code == 409
    assert "https://apps.apple.com/fr/app/x/id1533000042" in again.text, "what was typed is kept"
    empty = web.post("/setup", data={"link": " "}, headers=FRENCH)
    assert empty.status_code == 422
    assert 'aria-invalid="true"' in empty.text


def test_destinations_are_made_tried_and_deleted(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    secret = "https://hooks.slack.com/services/T0/B0/secretsecret"
    assert web.post("/destinations", data={"kind": "slack", "name": "#mobile", "url": secret}).status_code == 303
    made = db.scalars(select(Destination).where(Destination.name == "#mobile")).one()
    assert made.sealed
    assert "secretsecret" not in str(made.config) + made.sealed + web.get("/destinations").text
    web.post(f"/destinations/{made.id}/test")
    sent = db.scalars(select(Delivery).where(Delivery.destination_id == made.id)).one()
    assert (sent.kind, sent.state) == ("test", "queued")
    twice = web.post("/destinations", data={"kind": "slack", "name": "#mobile", "url": secret})
    assert twice.status_code == 422
    assert 'id="wrong-body-name"' in twice.text
    assert 'id="wrong-body-url"' in web.post("/destinations", data={"kind": "webhook", "name": "x", "url": "no"}).text
    hook = web.post("/destinations", data={"kind": "webhook", "name": "hook", "url": "https://example.com/h"})
    assert re.search(r"whsec_[A-Za-z0-9+/=]{40,}", unescape(hook.text)), "the key is shown once"
    assert "whsec_" not in web.get("/destinations").text
    assert web.post(f"/destinations/{made.id}/delete").status_code == 422
    assert web.post(f"/destinations/{made.id}/delete", data={"sure": "true"}).status_code == 303
    assert web.post(f"/destinations/{made.id}/disable").status_code == 404


def test_the_inbox_shows_the_message_as_slack_would_and_lets_nothing_through(
    web: TestClient, portfolio: Portfolio
) -> None:
    page = web.get("/inbox").text
    assert "<strong>7.10</strong>" in page
    assert '<a href="http://127.0.0.1:8765/incidents/1" rel="noreferrer">Voir l’incident</a>' in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_verbatims_cannot_write_markup(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    from models.feedback import Verbatim

    verbatim = db.scalars(select(Verbatim).where(Verbatim.app_id == portfolio.apps[0].id).limit(1)).one()
    verbatim.body, verbatim.title, verbatim.device = "<img src=x onerror=alert(1)> ⟨iban⟩", "<b>", '"><i>'
    db.flush()
    page = web.get(f"/apps/{verbatim.app_id}/reviews?q=onerror").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert '<span class="mask">IBAN</span>' in page
    assert "<img" not in page


def test_language_and_look_are_remembered(web: TestClient) -> None:
    answer = web.post("/preferences", data={"lang": "fr", "theme": "dark", "back": "/incidents?before=x"})
    assert answer.headers["location"] == "/incidents?before=x"
    page = web.get("/incidents", headers=ENGLISH).text
    assert '<html lang="fr" data-theme="dark">' in page
    for evil in ("//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a=b"):
        assert web.post("/preferences", data={"back": evil}).headers["location"] == "/"


def test_pages_page(web: TestClient, portfolio: Portfolio) -> None:
    path, seen = f"/apps/{portfolio.apps[0].id}/reviews?stars=1&stars=2", []
    while path:
        html = web.get(path).text
        seen += re.findall(r'<article class="review" id="r(\d+)"', html)
        more = re.search(r'rel="next" href="([^"]+)"', html)
        path = unescape(more[1]) if more else ""
    count = web.get(f"/api/v1/apps/{portfolio.apps[0].id}/reviews?stars=1&stars=2").json()["count"]
    assert len(seen) == len(set(seen)) == count > 60


def test_errors_are_pages_for_people(web: TestClient) -> None:
    answer = web.get("/apps/12345", headers=FRENCH | {"Accept": "text/html"})
    assert answer.status_code == 404
    assert title(answer.text) == "Il n’y a rien ici."
    assert web.get("/nowhere").status_code == 404
    assert web.get(f"/apps/{2**70}", headers={"Accept": "text/html"}).status_code == 404


def test_old_imports_are_shown_where_they_are(web: TestClient, db: Session, portfolio: Portfolio) -> None:
    from sqlalchemy import text

    db.execute(text("UPDATE daily_stars SET day = day - 2000"))
    db.flush()
    html = web.get(f"/apps/{portfolio.apps[1].id}").text
    assert 'class="narrow"' in html, "the chart stands where the reviews are"
    assert f"until={TODAY}" not in html


def test_the_days_that_are_known_are_those_of_the_verbatims(db: Session, portfolio: Portfolio) -> None:
    for app in portfolio.apps:
        days = db.scalars(select(Verbatim.day).where(Verbatim.app_id == app.id)).all()
        assert known_days(db, app.id) == (Period(min(days), max(days)) if days else None)


def test_a_vote_from_the_page_and_from_the_api(web: TestClient, portfolio: Portfolio) -> None:
    incident = portfolio.incident
    assert incident is not None
    answer = web.post(f"/incidents/{incident.id}/useful")
    assert answer.headers["location"] == f"/incidents/{incident.id}?done=voted"
    page = web.get(answer.headers["location"], headers=FRENCH).text
    assert "Jugé utile" in page, "on the timeline"
    found = web.post(f"/api/v1/incidents/{incident.id}/vote", json={"useful": False})
    assert found.json() == {"useful": 0, "not_useful": 1}, "one person, whose last vote counts"
    assert web.get(f"/api/v1/incidents/{incident.id}").json()["votes"] == {"useful": 0, "not_useful": 1}


def test_the_story_can_be_taken_away(web: TestClient, portfolio: Portfolio, db: Session) -> None:
    incident = portfolio.incident
    assert incident is not None
    web.post(f"/incidents/{incident.id}/acknowledge", data={"note": "=cmd() [look](http://x) *now*"})
    base = f"/api/v1/incidents/{incident.id}/timeline"
    items = web.get(base, headers=ENGLISH).json()["items"]
    assert [one["at"] for one in items] == sorted(one["at"] for one in items)
    assert "Acknowledged" in {one["what"] for one in items}
    table = web.get(f"{base}.csv", headers=FRENCH).text
    assert "Pris en charge" in table
    assert ",'=cmd()" in table, "no formula of anybody's runs in a spreadsheet"
    document = web.get(f"{base}.md", headers=ENGLISH)
    assert document.headers["content-type"].startswith("text/markdown")
    assert document.text.startswith("# ")
    assert "\\[look\\](http://x) \\*now\\*" in document.text
    assert web.get("/api/v1/incidents/00000000-0000-0000-0000-000000000000/timeline.md").status_code == 404
