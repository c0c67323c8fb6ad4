"""Stability on the app's page and in its JSON twin: withheld is said, users have no sum, the speaker is named."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.charts import Labels
from app.crash_chart import WIDE, CrashDay, _floor, crash_chart
from app.i18n import Words
from app.pages.stability_part import between, percent
from collectors.registry import KINDS
from models.records import CrashIssueRecord, DailyCrashesRecord, DailySessionsRecord, SignalRecord
from models.sources import Coverage, Source
from models.stability import DailySessions
from models.stability_intake import store_stability
from tests.app.conftest import NOW, TODAY
from tests.app.seed import Portfolio
from tests.app.test_pages import ENGLISH, FRENCH

API = "/api/v1"


@pytest.fixture
def watched(db: Session, portfolio: Portfolio) -> Portfolio:
    """Android by BigQuery and by vitals, with a release that crashes; iPhone by rounded, partly hidden rates."""
    app = portfolio.apps[0]
    made = {}
    for kind, channel in (
        ("crashlytics_bigquery", "google_play"),
        ("play_vitals", "google_play"),
        ("sentry", "app_store"),
    ):
        source = Source(
            app_id=app.id, kind=kind, channel=channel, name=KINDS[kind].label_en, config={}, rhythm_minutes=60
        )
        db.add(source)
        db.flush()
        made[kind] = source
    days = [TODAY - timedelta(days=n) for n in range(60)]
    ran, crashed, told, hidden = [], [], [], []
    for n, day in enumerate(days):
        bad = 90 if n < 12 else 12
        ran += [DailySessionsRecord(day, sessions=9000, users=3000, crashed_sessions=bad)]
        ran += [DailySessionsRecord(day, "7.10", sessions=4000, crashed_sessions=bad - 6)]
        ran += [DailySessionsRecord(day, "7.9", sessions=5000, crashed_sessions=6)]
        crashed += [DailyCrashesRecord(day, bad), DailyCrashesRecord(day, bad - 6, version="7.10")]
        crashed += [DailyCrashesRecord(day, bad - 6, issue="login", users=bad - 10)]
        told += [DailySessionsRecord(day, users=1000, users_rounded=True, crash_free_users=0.9)]
        hidden += [
            DailySessionsRecord(day, users=50, users_rounded=True, withheld=True, zone="America/Los_Angeles")
            if n % 3
            else DailySessionsRecord(
                day, users=2000, users_rounded=True, crash_free_users=0.98, zone="America/Los_Angeles"
            )
        ]
        state = "held" if n == 0 else "complete"
        for source in made.values():
            db.add(Coverage(app_id=app.id, source_id=source.id, day=day, state=state, checked_at=NOW))
    issue = CrashIssueRecord("login", "crash", "LoginViewModel.signIn", "NullPointerException <script>", "7.9", "7.10")
    signal = SignalRecord(
        "s1", "velocity", datetime(2026, 11, 20, 9, tzinfo=UTC), "LoginViewModel.signIn (120)", "7.10"
    )
    store_stability(db, made["crashlytics_bigquery"], [issue], crashed, ran, (), [signal])
    store_stability(db, made["play_vitals"], (), (), told)
    store_stability(db, made["sentry"], (), (), hidden)
    db.flush()
    return portfolio


def text_of(html: str) -> str:
    return unescape(html).replace("\u202f", " ").replace("\xa0", " ")


def test_the_page_says_how_stable_the_app_is_and_who_says_so(web: TestClient, watched: Portfolio) -> None:
    path = f"/apps/{watched.apps[0].id}"
    french = text_of(web.get(path, headers=FRENCH).text)
    # 28 days: 12 with 90 crashed of 9000 sessions, 16 with 12.
    share = 1 - (12 * 90 + 16 * 12) / (28 * 9000)
    assert f"{100 * share:.2f}".replace(".", ",") == "99,50"
    sessions = "Google Play : 99,50 % des sessions sans plantage sur 28 jours (252 000 sessions), de 99,46 à 99,53 %."
    assert sessions in french
    assert "App Store : 98,0 % des utilisateurs du jour sans plantage, en moyenne sur 28 jours, de 97," in french
    assert "qui compte les sessions ; Android vitals (Google Play) n’est pas ajouté" in french
    assert "retenu" in french
    assert "Les jours sont ceux de America/Los_Angeles." in french
    assert "Défaut qui se répand" in french
    english = text_of(web.get(path, headers=ENGLISH).text)
    ran = "Google Play: 99.50% of sessions without a crash over 28 days (252,000 sessions), from 99.46 to 99.53%."
    assert ran in english
    assert "LoginViewModel.signIn" in english
    assert "<script>" not in web.get(path).text.replace("<script src", "")


def test_an_app_without_a_crash_source_has_no_such_part(web: TestClient, portfolio: Portfolio) -> None:
    assert 'id="stability"' not in web.get(f"/apps/{portfolio.apps[0].id}").text


def test_the_part_follows_the_channel_that_is_chosen(web: TestClient, watched: Portfolio) -> None:
    told = text_of(web.get(f"/apps/{watched.apps[0].id}?channel=app_store", headers=ENGLISH).text)
    assert "App Store: 98.0%" in told
    assert "Google Play: 99" not in told


def test_the_json_twin_tells_days_versions_and_the_speaker(web: TestClient, watched: Portfolio) -> None:
    path = f"{API}/apps/{watched.apps[0].id}/stability"
    told = web.get(path).json()
    channels = {each["channel"]: each for each in told["channels"]}
    play, apple = channels["google_play"], channels["app_store"]
    assert (play["kind"], play["reason"], play["others"]) == (
        "crashlytics_bigquery",
        "sessions",
        ["Android vitals (Google Play)"],
    )
    assert (play["base"], apple["base"], apple["exposed"], apple["users_rounded"]) == ("sessions", "users", None, True)
    last = play["days"][-1]
    assert (last["day"], last["sessions"], last["crashes"], last["state"]) == (str(TODAY), 9000, 90, "held")
    hidden = apple["days"][-2]
    assert (hidden["withheld"], hidden["crash_free_users"], hidden["users"]) == (True, None, 50)
    assert [each["version"] for each in play["versions"]] == ["7.10", "7.9"]
    one = web.get(f"{path}?version=7.10&from={TODAY}&to={TODAY}").json()["channels"][-1]["days"]
    assert [(day["sessions"], day["crashes"]) for day in one] == [(4000, 84)]


def test_issues_and_signals_are_listed(web: TestClient, watched: Portfolio) -> None:
    path = f"{API}/apps/{watched.apps[0].id}/stability"
    (issue,) = web.get(f"{path}/issues").json()["items"]
    assert (issue["title"], issue["first_version"], issue["last_version"]) == ("LoginViewModel.signIn", "7.9", "7.10")
    assert (issue["events"], issue["users_on_worst_day"]) == (12 * 84 + 48 * 6, 80)
    assert web.get(f"{path}/issues?channel=app_store").json()["items"] == []
    (signal,) = web.get(f"{path}/signals").json()["items"]
    assert (signal["kind"], signal["version"]) == ("velocity", "7.10")
    for bad in ("from=2026-01-02&to=2026-01-01", "from=2000-01-01", "from=soon"):
        assert web.get(f"{path}?{bad}").status_code == 422
    assert web.get(f"{API}/apps/424242/stability").status_code == 404


def test_a_share_below_one_is_never_rounded_to_a_hundred() -> None:
    words = Words("en")
    assert [percent(words, share) for share in (1.0, 0.99999, 0.9987, 0.95)] == ["100%", "99.99%", "99.87%", "95.0%"]


def test_the_axis_is_cut_below_the_lowest_day() -> None:
    told = {0.999: 0.998, 0.9972: 0.996, 0.992: 0.99, 0.97: 0.95, 0.8: 0.75, 0.3: 0.25}
    assert {share: _floor(share) for share in told} == told
    assert CrashDay(date(2026, 11, 1), None, None, True).hatched


@pytest.mark.parametrize(
    ("kind", "config", "channel", "where"),
    [
        ("sentry", {"organization": "bank", "project": "app", "platform": "ios", "token_file": "t"}, "app_store", ""),
        (
            "sentry",
            {"organization": "bank", "project": "app", "platform": "windows", "token_file": "t"},
            "",
            "platform",
        ),
        ("sentry", {"organization": "bank", "platform": "ios", "token_file": "t"}, "", "project"),
        ("play_vitals", {"app_id": "com.example.bank", "key_file": "k"}, "google_play", ""),
        ("metrickit", {}, "app_store", ""),
        ("sentry", {"organization": "bank", "sentry_url": "https://x.example"}, "", "config"),
    ],
)
def test_a_crash_source_is_connected_over_the_api(
    application: FastAPI,
    web: TestClient,
    portfolio: Portfolio,
    kind: str,
    config: dict[str, str],
    channel: str,
    where: str,
) -> None:
    application.state.kinds = [{"kind": name, "channel": each.channel} for name, each in KINDS.items()]
    body = {"app_id": portfolio.apps[0].id, "kind": kind, "name": "Crashes", "config": config}
    answer = web.post(f"{API}/sources", json=body)
    if where:
        assert answer.status_code == 422
        assert where in json.dumps(answer.json()["errors"])
        return
    told = answer.json()
    assert (answer.status_code, told["channel"], told["config"]["timezone"]) == (201, channel, "Europe/Paris")
    assert (told["rhythm_minutes"] is None) == (KINDS[kind].minutes == 0)
    assert web.post(f"{API}/sources", json=body).status_code == 409


def test_counts_without_rates_are_drawn_without_an_axis_of_shares() -> None:
    labels = Labels("Crashes", "so many", lambda share: f"{share:.1%}", str, str)
    counted = [CrashDay(TODAY - timedelta(days=n), None, 5, hatched=False) for n in range(40, 0, -1)]
    bare = crash_chart(counted, releases=[], labels=labels, name="c", size=WIDE)
    assert "100.0%" not in bare
    assert bare.count('class="f-s1"') == 40
    rated = [CrashDay(day.day, 0.999, 5, hatched=False) for day in counted]
    full = crash_chart(rated, releases=[], labels=labels, name="c", size=WIDE)
    assert "100.0%" in full
    assert f'viewBox="0 0 {WIDE.width} {WIDE.height}"' in full
    assert f"{WIDE.height}" not in bare.partition(">")[0]


@pytest.fixture
def percentages(db: Session, watched: Portfolio) -> Portfolio:
    """The iPhone's source tells shares by day without saying of how many people."""
    db.execute(
        update(DailySessions)
        .where(DailySessions.channel == "app_store")
        .values(users=None, withheld=False, crash_free_users=0.98)
    )
    db.flush()
    return watched


def test_percentages_without_counts_have_no_interval_and_say_why(web: TestClient, percentages: Portfolio) -> None:
    app = percentages.apps[0].id
    french = text_of(web.get(f"/apps/{app}", headers=FRENCH).text)
    assert (
        "App Store : 98,0 % des utilisateurs du jour sans plantage, en moyenne sur 28 jours, "
        "sans intervalle : la source ne donne que des pourcentages, sans nombres." in french
    )
    assert "n’ont pas d’intervalle" in french
    channels = {one["channel"]: one for one in web.get(f"{API}/apps/{app}/stability").json()["channels"]}
    assert (channels["app_store"]["crash_free"], channels["app_store"]["low"]) == (pytest.approx(0.98), None)
    assert channels["google_play"]["low"] < channels["google_play"]["crash_free"] < channels["google_play"]["high"]
    row = web.get(f"{API}/portfolio").json()["items"]
    told = {one["channel"]: one for one in next(one for one in row if one["app_id"] == app)["crash_free"]}
    assert told["app_store"]["low"] is None
    assert told["google_play"]["low"] < told["google_play"]["share"] < told["google_play"]["high"]
    first = text_of(web.get("/", headers=FRENCH).text)
    assert "98,0 % (sans intervalle)" in re.sub(r"<.*?>", "", first)


def test_two_versions_differ_in_crashes_with_an_interval(web: TestClient, db: Session, watched: Portfolio) -> None:
    app = watched.apps[0].id
    db.execute(update(DailySessions).where(DailySessions.version == "7.10").values(version="7.3"))
    db.execute(update(DailySessions).where(DailySessions.version == "7.9").values(version="7.2"))
    db.flush()
    told = web.get(f"{API}/apps/{app}/versions/compare").json()
    (play,) = [one for one in told["crashes"] if one["channel"] == "google_play"]
    change = play["change"]
    assert change["verdict"] == "worse"
    assert change["low"] < change["difference"] < change["high"] < 0
    assert play["this"]["low"] < play["this"]["crash_free"] < play["this"]["high"]
    assert change["difference"] == pytest.approx(play["this"]["crash_free"] - play["that"]["crash_free"])
    page = text_of(web.get(f"/apps/{app}/versions", headers=FRENCH).text)
    assert re.search(r"écart −\d,\d\d point, entre −\d,\d\d et −\d,\d\d", page)
    assert "environ dont deux versions diffèrent sans défaut" in page
    changes = text_of(web.get(f"/apps/{app}", headers=ENGLISH).text)
    assert re.search(
        r"Google Play: 9\d\.\d+% crash-free, against 99\.\d+% \(difference −\d\.\d\d points, between", changes
    )
    lines = [line.split(",") for line in web.get(f"{API}/apps/{app}/versions/compare.csv").text.splitlines()]
    (crash_free,) = [line for line in lines if line[:2] == ["crash-free", "google_play"]]
    assert [float(cell) for cell in crash_free[4:]] == pytest.approx(
        [change["difference"], change["low"], change["high"]]
    )
    assert ["crash-free verdict", "google_play", "worse"] in [line[:3] for line in lines]


def test_two_versions_of_percentages_are_not_judged(web: TestClient, db: Session, percentages: Portfolio) -> None:
    app = percentages.apps[0].id
    source = db.scalars(select(Source).where(Source.app_id == app, Source.kind == "sentry")).one()
    days = [TODAY - timedelta(days=n) for n in range(60)]
    told = [DailySessionsRecord(day, version, crash_free_users=0.98) for day in days for version in ("7.2", "7.3")]
    store_stability(db, source, (), (), told)
    db.flush()
    (apple,) = [
        one for one in web.get(f"{API}/apps/{app}/versions/compare").json()["crashes"] if one["channel"] == "app_store"
    ]
    assert (apple["this"]["crash_free"], apple["this"]["low"], apple["change"]) == (pytest.approx(0.98), None, None)
    page = text_of(web.get(f"/apps/{app}/versions", headers=FRENCH).text)
    assert "Sans intervalle : la source ne donne que des pourcentages, sans nombres ; la différence" in page


def test_an_interval_is_never_rounded_to_one_number() -> None:
    words = Words("en")
    assert between(words, 0.99871, 0.99874) == "99.871 to 99.874%"
    assert between(words, 0.9987, 1.0) == "99.87 to 100.00%"
    assert between(words, 0.9512, 0.9588) == "95.1 to 95.9%"
    assert between(words, None, None) == ""
