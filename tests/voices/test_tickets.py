"""Help desks over HTTP: what their customers wrote and nobody else, deletions, times, and keys that stay at home."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.base import Page, SourceError
from collectors.file_values import moment
from collectors.http import Http
from collectors.intercom import Intercom, read_conversation, read_intercom_hook
from collectors.pace import Pace
from collectors.zendesk import Zendesk
from collectors.zendesk_format import read_zendesk_hook
from collectors.zoho_desk import ZohoDesk, read_ticket
from tests.fakes.desks import FakeIntercom, FakeZendesk, FakeZoho, iso
from tests.fakes.stores import Status
from tests.fakes.surveys import KEY
from tests.voices.openapi import Described, ExampleServer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AGENT = 99


@pytest.fixture
def http() -> Http:
    pace = Pace(intervals={"127.0.0.1": 0.0})
    return Http(timeout=20.0, sleep=lambda seconds: None, pace=pace, now=lambda: NOW)


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(KEY)
    return str(file)


def words(pages: list[Page]) -> dict[str, str]:
    return {row.external_id: row.body for page in pages for row in page.verbatims}


# Zendesk


def zendesk_ticket(number: int, **fields: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=30) + timedelta(minutes=number)
    told: dict[str, Any] = {"id": number, "status": "open", "created_at": iso(at), "updated_at": iso(at)}
    told |= {"requester_id": 1000 + number, "submitter_id": 1000 + number, "via": {"channel": "email"}}
    return told | {"description": "ne sert pas", "satisfaction_rating": {"score": "unoffered"}} | fields


def comment(number: int, author: int, body: str, **fields: Any) -> dict[str, Any]:
    at = iso(NOW - timedelta(days=20) + timedelta(hours=number))
    return {"id": number, "author_id": author, "html_body": body, "public": True, "created_at": at} | fields


@pytest.fixture
def zendesk() -> Iterator[FakeZendesk]:
    with FakeZendesk() as fake:
        yield fake


def read_zendesk(fake: FakeZendesk, http: Http, key: str, cursor: str = "") -> list[Page]:
    return list(Zendesk("bank", key, fake.email, fake.url, http=http, cursor=cursor).pages())


def test_a_thousand_tickets_of_which_515_are_deletions(zendesk: FakeZendesk, http: Http, key: str) -> None:
    for number in range(1000):
        gone = number % 1000 < 515
        zendesk.tickets.append(zendesk_ticket(number, status="deleted" if gone else "open"))
        if not gone:
            zendesk.comments[number] = [comment(1, 1000 + number, f"<p>demande {number}</p>")]
    pages = read_zendesk(zendesk, http, key)
    tickets = [ticket for page in pages for ticket in page.tickets]
    assert (len(tickets), sum(ticket.deleted for ticket in tickets)) == (1000, 515)
    assert len(words(pages)) == 485
    # No word is asked for of what was deleted.
    assert sum("/comments" in path for path in zendesk.paths()) == 485
    assert (len(pages), pages[-1].end) == (10, "exhausted")


def test_the_cursor_goes_on_and_no_request_goes_elsewhere(http: Http, key: str) -> None:
    with FakeZendesk() as thief, FakeZendesk(elsewhere=thief.url.replace("127.0.0.1", "localhost")) as fake:
        for number in range(250):
            fake.tickets.append(zendesk_ticket(number))
            rows = [comment(n, 1000 + number, f"m{n}") for n in range(150 if number == 0 else 1)]
            fake.comments[number] = rows
        pages = read_zendesk(fake, http, key)
        assert len(words(pages)) == 150 + 249
        assert thief.requests == []  # the addresses that the answers gave were there to be followed
        cursor = pages[-1].cursor
        assert cursor is not None
        fake.change(7, NOW, status="solved")
        again = read_zendesk(fake, http, key, cursor)
        assert [ticket.external_id for page in again for ticket in page.tickets] == ["7"]
        assert again[0].reaches == datetime.fromisoformat(cursor.partition("|")[0])
        asked = [path for path in fake.paths() if "incremental" in path]
        assert "cursor=" in asked[-1]
        assert "start_time" not in asked[-1]


def test_only_the_customer_s_public_words(zendesk: FakeZendesk, http: Http, key: str) -> None:
    zendesk.tickets.append(zendesk_ticket(1))
    quote = "Le 20/11/2026 à 10:00, Aide a écrit :<br>avez-vous essayé ?"
    zendesk.comments[1] = [
        comment(1, 1001, "<p>le virement échoue</p>"),
        comment(2, AGENT, "<p>Bonjour, avez-vous essayé ?</p>"),
        comment(3, 1001, f"<p>oui, rien n'y fait</p>{quote}"),
        comment(4, 1001, "<p>note interne</p>", public=False),
        comment(5, 1001, f"<blockquote>{quote}</blockquote>"),
    ]
    assert words(read_zendesk(zendesk, http, key)) == {"1:1": "le virement échoue", "1:3": "oui, rien n'y fait"}


def test_messaging_is_read_from_its_log_not_from_its_description(zendesk: FakeZendesk, http: Http, key: str) -> None:
    log = [
        {"id": "a", "author": {"type": "end-user"}, "content": {"text": "Unable to login"}, "created_at": iso(NOW)},
        {"id": "b", "author": {"type": "system"}, "content": {"text": "We feel that…"}, "created_at": iso(NOW)},
        {"id": "c", "author": {"type": "agent"}, "content": {"text": "Bonjour"}, "created_at": iso(NOW)},
        {"id": "d", "author": {"type": "end-user"}, "type": "joined", "created_at": iso(NOW)},
    ]
    for number, channel in enumerate(["whatsapp", "native_messaging"]):
        zendesk.tickets.append(
            zendesk_ticket(number, via={"channel": channel}, description="Conversation with Web User 6a27d07ec70c")
        )
        zendesk.logs[number] = log
    pages = read_zendesk(zendesk, http, key)
    assert list(words(pages).values()) == ["Unable to login"] * 2
    assert [ticket.via for ticket in pages[0].tickets] == ["whatsapp", "native_messaging"]


def test_times_satisfaction_and_keys(zendesk: FakeZendesk, http: Http, key: str) -> None:
    created = datetime(2026, 11, 1, 9, tzinfo=UTC)
    metrics = {"reply_time_in_minutes": {"calendar": 90, "business": 30}, "solved_at": iso(created + timedelta(days=1))}
    fields = [{"id": 42, "value": "7.2"}]
    told = zendesk_ticket(1, status="solved", created_at=iso(created), metric_set=metrics, custom_fields=fields)
    zendesk.tickets += [told, zendesk_ticket(2, metric_set=metrics)]
    zendesk.comments |= {1: [comment(1, 1001, "bonjour")], 2: [comment(1, 1002, "encore")]}
    zendesk.users[1001] = {"id": 1001, "email": "a@example.com", "phone": None, "external_id": "C-7"}
    rating = {"id": 5, "ticket_id": 1, "score": "bad", "comment": "trop long", "updated_at": iso(NOW)}
    zendesk.ratings = [rating | {"score": "offered", "updated_at": iso(created)}, rating]
    source = Zendesk("bank", key, zendesk.email, zendesk.url, http=http, version_field="42")
    pages = list(source.pages())
    solved, still_open = pages[0].tickets
    assert solved.first_answer_at == created + timedelta(minutes=90)
    assert solved.resolved_at == created + timedelta(days=1)
    assert (solved.satisfied, solved.version) == (False, "7.2")
    assert solved.keys == (("customer", "C-7"), ("email", "a@example.com"))
    assert (still_open.resolved_at, still_open.satisfied) == (None, None)  # it was opened again
    assert words(pages)["1:satisfaction"] == "trop long"


def test_a_key_that_may_not_see_ratings_still_brings_tickets(zendesk: FakeZendesk, http: Http, key: str) -> None:
    zendesk.tickets.append(zendesk_ticket(1))
    zendesk.comments[1] = [comment(1, 1001, "bonjour")]
    zendesk.fail(Status(403), path="satisfaction_ratings")
    pages = read_zendesk(zendesk, http, key)
    assert len(words(pages)) == 1
    assert "without the list of satisfaction ratings" in pages[0].note


def test_a_ticket_that_cannot_be_read_is_kept_without_its_words(zendesk: FakeZendesk, http: Http, key: str) -> None:
    zendesk.tickets.append(zendesk_ticket(1, created_at="?", description="carte 4111111111111111"))
    page = read_zendesk(zendesk, http, key)[0]
    assert len(page.quarantined) == 1
    assert b"4111" not in page.quarantined[0].raw


def test_throttled_and_refused(zendesk: FakeZendesk, http: Http, key: str, tmp_path: Path) -> None:
    zendesk.fail(Status(429, headers=(("retry-after", "37"),)), path="incremental")
    with pytest.raises(SourceError) as caught:
        read_zendesk(zendesk, http, key)
    assert (caught.value.kind, caught.value.retry_after) == ("throttled", 37)
    (tmp_path / "wrong").write_text("wrong-key")
    fresh = Http(timeout=20.0, sleep=lambda seconds: None, pace=Pace(), now=lambda: NOW)
    with pytest.raises(SourceError, match="administrator"):
        read_zendesk(zendesk, fresh, str(tmp_path / "wrong"))


@pytest.mark.shared
def test_zendesk_is_asked_for_nothing_that_its_description_does_not_have(
    zendesk: FakeZendesk, http: Http, key: str, shared: Path
) -> None:
    zendesk.tickets += [zendesk_ticket(1), zendesk_ticket(2, via={"channel": "whatsapp"})]
    zendesk.comments[1], zendesk.logs[2] = [comment(1, 1001, "bonjour")], []
    read_zendesk(zendesk, http, key)
    folder = shared / "samples/zendesk/oas_split"
    tickets = Described(folder / "tickets-openapi-original.yml")
    ratings = Described(folder / "satisfaction-ratings-openapi-original.yml")
    for request in zendesk.requests:
        described = ratings if "satisfaction_ratings" in request.path else tickets
        assert described.operation(request)[1] is not None, request.path


@pytest.mark.shared
def test_recorded_zendesk_events(shared: Path) -> None:
    events = json.loads((shared / "samples/zendesk/event_webhooks_real_2026.json").read_text())
    pages = [read_zendesk_hook(json.dumps(event).encode(), {}) for event in events]
    said = [[row.body for row in page.verbatims] for page in pages]
    assert said == [[], ["thanks that helps"], ["Unable to login"], [], []]  # "Conversation with…" and the bot: nothing
    nano = pages[2].verbatims[0]
    assert (nano.written_at.isoformat(timespec="seconds"), nano.thread) == ("2026-07-09T08:38:27+00:00", "73053")
    assert (pages[4].tickets[0].external_id, pages[4].tickets[0].status) == ("71447", "open")
    assert all(ticket.partial for page in pages for ticket in page.tickets)


def test_a_message_by_webhook_and_by_log_is_one(zendesk: FakeZendesk, http: Http, key: str) -> None:
    event = {
        "id": "e1",
        "time": "2026-11-20T11:59:27.200000047Z",
        "type": "zen:event-type:messaging_ticket.message_added",
        "detail": {"id": "5"},
        "event": {"actor": {"type": "end_user", "id": "u"}, "message": {"body": "Unable to  login", "id": "msg-1"}},
    }
    hooked = read_zendesk_hook(json.dumps(event).encode(), {})
    zendesk.tickets.append(zendesk_ticket(5, via={"channel": "native_messaging"}))
    log = {"id": "x", "author": {"type": "end-user"}, "content": {"text": "Unable to login"}, "created_at": iso(NOW)}
    zendesk.logs[5] = [log]
    assert list(words(read_zendesk(zendesk, http, key))) == [hooked.verbatims[0].external_id]


# Intercom


def part(number: int, who: str, body: str, **fields: Any) -> dict[str, Any]:
    author = {"type": who, "id": f"{who}-1"} | fields.pop("author", {})
    at = int(NOW.timestamp()) - 1000 + number
    return {"id": str(number), "part_type": "comment", "body": body, "created_at": at, "author": author} | fields


def conversation(number: int, *parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    at = int(NOW.timestamp()) - 86_400 + 60 * number
    author = {"type": "user", "id": "u1", "email": "a@example.com"}
    source = {"type": "email", "body": "<p>le virement échoue</p>", "author": author}
    return {
        "type": "conversation",
        "id": str(number),
        "created_at": at,
        "updated_at": at,
        "state": "open",
        "open": True,
        "source": source,
        "contacts": {"contacts": [{"id": "u1", "external_id": "C-7"}]},
        "conversation_parts": {"conversation_parts": list(parts)},
    } | fields


@pytest.fixture
def intercom() -> Iterator[FakeIntercom]:
    with FakeIntercom() as fake:
        yield fake


def read_intercom(fake: FakeIntercom, http: Http, key: str, cursor: str = "") -> list[Page]:
    return list(Intercom(key, "eu", fake.url, http=http, cursor=cursor).pages())


def test_intercom_over_pages_and_from_where_it_ended(intercom: FakeIntercom, http: Http, key: str) -> None:
    for number in range(1, 321):
        intercom.conversations[number] = conversation(number, part(1, "admin", "Bonjour"), part(2, "user", "merci"))
    pages = read_intercom(intercom, http, key)
    assert (len(pages), len(words(pages)), pages[-1].end) == (3, 640, "exhausted")
    assert [page.cursor for page in pages[:-1]] == ["", ""]
    cursor = pages[-1].cursor
    assert cursor is not None
    at = int(NOW.timestamp()) - 100
    intercom.conversations[3] |= {"updated_at": at, "state": "closed"}
    intercom.deleted = [{"id": "4", "deleted_at": at}, {"id": "9", "deleted_at": 1_500_000_000}]
    again = read_intercom(intercom, http, key, cursor)
    changed = {ticket.external_id: ticket for page in again for ticket in page.tickets}
    assert changed["3"].status == "closed"
    assert changed["4"].deleted
    assert "9" not in changed  # deleted long before


def test_a_conversation_that_changes_during_a_walk_is_met_by_the_next(
    intercom: FakeIntercom, http: Http, key: str
) -> None:
    """The search shows the newest first: what changes moves onto a page that was read already."""
    for number in range(1, 201):
        intercom.conversations[number] = conversation(number)
    later = int(NOW.timestamp()) + 600

    def change(request: Any) -> None:
        if request.path.startswith("/conversations/60?"):  # of the first page, and then one of the second
            intercom.conversations[3] |= {"updated_at": later, "state": "closed"}
        if request.path.startswith("/conversations/7?"):
            intercom.conversations[7] |= {"updated_at": later + 1800}

    intercom.before = change
    pages = read_intercom(intercom, http, key)
    assert pages[-1].cursor is not None
    again = read_intercom(intercom, http, key, pages[-1].cursor)
    assert ("3", "closed") in {(ticket.external_id, ticket.status) for ticket in again[0].tickets}


def test_intercom_words_are_the_customer_s_alone() -> None:
    at = int(NOW.timestamp())
    told = conversation(
        1,
        part(1, "bot", "Je suis Fin"),
        part(2, "admin", "Bonjour"),
        part(3, "lead", "toujours pas", part_type="open"),
        part(4, "user", "réponse d'une machine", author={"from_ai_agent": True}),
        part(5, "user", "caché", redacted=True),
        part(6, "user", "", part_type="close"),
        state="closed",
        statistics={"first_admin_reply_at": at - 500, "last_close_at": at - 100},
        conversation_rating={"rating": 2, "remark": "trop long", "created_at": at},
    )
    ticket, said = read_conversation(told)
    assert [row.body for row in said] == ["le virement échoue", "toujours pas", "trop long"]
    assert (ticket.satisfied, ticket.rating, ticket.via) == (False, 2, "email")
    assert ticket.first_answer_at == datetime.fromtimestamp(at - 500, UTC)
    assert ticket.resolved_at == datetime.fromtimestamp(at - 100, UTC)
    assert ticket.keys == (("customer", "C-7"), ("email", "a@example.com"))
    assert {row.thread for row in said} == {"1"}


def test_an_intercom_notification() -> None:
    event = {"type": "notification_event", "id": "notif_1", "topic": "conversation.user.replied", "created_at": 1}
    body = json.dumps(event | {"data": {"item": conversation(7, part(1, "user", "et maintenant ?"))}}).encode()
    page = read_intercom_hook(body, {})
    assert [row.external_id for row in page.verbatims] == ["7:source", "7:1"]
    ping = json.dumps(event | {"topic": "ping", "data": {"item": {"type": "ping"}}}).encode()
    assert read_intercom_hook(ping, {}).tickets == ()
    with pytest.raises(SourceError):
        read_intercom_hook(b"{}", {})


@pytest.fixture(scope="module")
def official(shared: Path) -> Described:
    return Described(shared / "samples/intercom/intercom_2.16.yaml")


@pytest.mark.shared
def test_intercom_requests_and_fake_keep_to_the_official_description(
    official: Described, intercom: FakeIntercom, http: Http, key: str
) -> None:
    for number in range(1, 200):
        intercom.conversations[number] = conversation(number)
    intercom.deleted = [{"type": "conversation", "id": "4", "metrics_retained": False, "deleted_at": 1_500_000_000}]
    source = Intercom(key, "eu", intercom.url, http=http)
    list(source.pages())
    assert [probe.works for probe in source.probe()] == [True]
    wrong = {request.path: found for request in intercom.requests if (found := official.wrong(request))}
    assert wrong == {}
    # That this finds anything: a page larger than allowed.
    bad = next(r for r in intercom.requests if "deleted" in r.path)
    bad = replace(bad, path=bad.path.replace("per_page=60", "per_page=61"))
    assert official.wrong(bad) == ["61 is greater than the maximum of 60"]


@pytest.mark.shared
def test_intercom_against_a_server_made_from_the_official_description(
    official: Described, http: Http, key: str
) -> None:
    with ExampleServer(official) as server:
        source = Intercom(key, "us", server.url, http=http)
        page = next(source.pages())
        assert server.refused == []
    assert page.quarantined == ()
    ticket = page.tickets[0]
    assert ticket.created_at is not None
    assert ticket.status in {"open", "closed", "snoozed"}


# Zoho Desk


def zoho_ticket(number: int, **fields: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=5) + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    told: dict[str, Any] = {"id": str(10**10 + number), "ticketNumber": str(number), "channel": "Email"}
    told |= {"createdTime": at, "modifiedTime": at, "statusType": "Open", "contactId": "77", "threadCount": "1"}
    return told | {"description": "<div>mon virement échoue</div>", "contact": {"email": "a@example.com"}} | fields


@pytest.fixture
def zoho() -> Iterator[FakeZoho]:
    with FakeZoho() as fake:
        yield fake


@pytest.fixture
def grant(tmp_path: Path, zoho: FakeZoho) -> str:
    file = tmp_path / "zoho.json"
    file.write_text(json.dumps(zoho.grant.secret))
    return str(file)


def read_zoho(fake: FakeZoho, http: Http, grant: str, cursor: str = "") -> list[Page]:
    return list(ZohoDesk("41960353", grant, "eu", fake.url, fake.url, http=http, cursor=cursor).pages())


def thread(number: int, direction: str, content: str, **fields: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=4) + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    told = {"id": str(number), "direction": direction, "content": content, "createdTime": at, "isDraft": False}
    return told | {"author": {"type": "END_USER" if direction == "in" else "AGENT"}} | fields


def test_zoho_over_pages_with_an_access_that_is_renewed(zoho: FakeZoho, http: Http, grant: str) -> None:
    for number in range(230):
        ticket = zoho_ticket(number)
        zoho.tickets[ticket["id"]] = ticket

    def expire(request: Any) -> None:
        if request.number == 50:
            zoho.grant.valid = "expired at Zoho's"

    zoho.before = expire
    pages = read_zoho(zoho, http, grant)
    assert (len(pages), len(words(pages)), zoho.grant.given) == (3, 230, 2)
    cursor = pages[-1].cursor
    assert cursor is not None
    assert read_zoho(zoho, http, grant, cursor)[0].tickets == ()  # 204, nothing changed
    later = NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    zoho.tickets[str(10**10 + 3)] |= {"modifiedTime": later, "isTrashed": True}
    again = read_zoho(zoho, http, grant, cursor)
    assert [(ticket.external_id, ticket.deleted) for ticket in again[0].tickets] == [(str(10**10 + 3), True)]


def test_a_ticket_that_changes_during_a_walk_hides_no_other(zoho: FakeZoho, http: Http, grant: str) -> None:
    """It leaves the span that is asked for: the others move up by one place, and the walk must not vouch for now."""
    for number in range(230):
        ticket = zoho_ticket(number, **({"modifiedTime": zoho_ticket(150)["modifiedTime"]} if number > 150 else {}))
        zoho.tickets[ticket["id"]] = ticket
    late = iso(NOW + timedelta(minutes=2))
    pages: list[Page] = []
    source = ZohoDesk("41960353", grant, "eu", zoho.url, zoho.url, http=http)
    for page in source.pages():
        pages.append(page)
        if len(pages) == 1:
            zoho.tickets[str(10**10 + 3)]["modifiedTime"] = late  # read already
            zoho.tickets[str(10**10 + 120)]["modifiedTime"] = late  # not yet: the next walk meets it
            assert page.cursor is not None
            assert moment(page.cursor) <= NOW - timedelta(hours=3)
    read = {ticket.external_id for page in pages for ticket in page.tickets}
    assert {str(10**10 + n) for n in range(230)} - read == {str(10**10 + 120)}
    assert pages[-1].cursor is not None
    again = read_zoho(zoho, http, grant, pages[-1].cursor)
    assert again[0].tickets == ()  # it is of the future here


def test_a_ticket_that_changes_while_its_page_is_read_does_not_move_the_place(
    zoho: FakeZoho, http: Http, grant: str
) -> None:
    for number in range(150):
        ticket = zoho_ticket(number)
        zoho.tickets[ticket["id"]] = ticket
    late = iso(NOW + timedelta(minutes=2))

    def change(request: Any) -> None:
        if request.path.startswith(f"/api/v1/tickets/{10**10 + 50}"):
            zoho.tickets[str(10**10 + 50)]["modifiedTime"] = late

    zoho.before = change
    pages = ZohoDesk("41960353", grant, "eu", zoho.url, zoho.url, http=http).pages()
    first = next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert first.cursor is not None
    assert moment(first.cursor) == moment(zoho_ticket(99)["modifiedTime"])


def test_zoho_words_and_times(zoho: FakeZoho, http: Http, grant: str) -> None:
    ticket = zoho_ticket(1, statusType="Closed", closedTime="2026-11-20T11:00:00.000Z")
    zoho.tickets[ticket["id"]] = ticket
    zoho.threads[ticket["id"]] = [
        thread(1, "in", "<div>mon virement échoue</div>"),
        thread(2, "out", "brouillon", isDraft=True),
        thread(3, "out", "Bonjour"),
        thread(4, "in", "<div>toujours pas</div><blockquote>Bonjour</blockquote>"),
    ]
    page = read_zoho(zoho, http, grant)[0]
    assert list(words([page]).values()) == ["mon virement échoue", "toujours pas"]
    told = page.tickets[0]
    assert told.first_answer_at == NOW - timedelta(hours=4) + timedelta(minutes=3)
    assert told.resolved_at == datetime(2026, 11, 20, 11, tzinfo=UTC)


def test_an_access_that_zoho_does_not_renew(zoho: FakeZoho, http: Http, grant: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text(json.dumps(zoho.grant.secret | {"refresh_token": "1000.wrong"}))
    with pytest.raises(SourceError, match="invalid_code") as caught:
        read_zoho(zoho, http, str(tmp_path / "wrong.json"))
    assert caught.value.kind == "refused"
    assert "1000.wrong" not in str(caught.value)
    (tmp_path / "none.json").write_text("1000.secret")
    with pytest.raises(SourceError) as caught:
        read_zoho(zoho, http, str(tmp_path / "none.json"))
    assert "1000.secret" not in str(caught.value)


@pytest.mark.shared
def test_a_recorded_zoho_ticket(shared: Path) -> None:
    told = json.loads((shared / "samples/zoho_desk/ticket_detail_recorded_2022.json").read_text())
    ticket = read_ticket(told, [])
    assert (ticket.external_id, ticket.via, ticket.status) == ("10504000000165033", "email", "open")
    assert ticket.updated_at == datetime(2022, 9, 23, 8, 59, 8, tzinfo=UTC)
    assert ticket.keys == (("email", "redacted@example.com"), ("phone", "+33000000000"))
