"""What every page shares: the reader's language and look, the templates, forms and errors."""

import hashlib
import re
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from app import charts, clock, lines
from app.auth import Role
from app.errors import not_found
from app.i18n import Words, choose_language
from app.pages import links
from app.pages.drawing import star_rows
from app.reading.intervals import mean_stars
from app.reading.sources import Day, State
from app.reading.topics import topic_name
from models.apps import App

_HERE = Path(__file__).parent.parent
SETTINGS: tuple[tuple[str, str, Role], ...] = (
    ("sources", "/sources", "viewer"),
    ("destinations", "/destinations", "viewer"),
    ("inbox", "/inbox", "viewer"),
    ("topics", "/topics", "viewer"),
    ("model", "/settings/model", "viewer"),
    ("rules", "/settings/rules", "viewer"),
    ("people", "/settings/people", "admin"),
    ("keys", "/settings/keys", "admin"),
    ("audit", "/settings/audit", "admin"),
)
"""The pages of the settings, in the order of their navigation (settings.NAME, settings.NAME_lead in the locales)."""
_MASK = re.compile("⟨(iban|card|phone|email|name)⟩")


def words_of(request: Request, app: App | None = None) -> Words:
    """The reader's language, and the app's zone for moments."""
    language = choose_language(request.cookies.get("lang"), request.headers.get("accept-language"))
    return Words(language, app.timezone if app else "Europe/Paris")


def find_app(session: Session, app_id: int) -> App:
    """The app, or a 404."""
    app = session.get(App, app_id) if 1 <= app_id < 2**63 else None
    if app is None:
        raise not_found("app")
    return app


@cache
def _static(name: str) -> str:
    """The address of a static file; it changes with its content, so that caches never serve an old one."""
    return f"/static/{name}?{hashlib.sha256((_HERE / 'static' / name).read_bytes()).hexdigest()[:8]}"


def masked(text: str, words: Words) -> Markup:
    """A verbatim with the marks of masked personal data (analysis.mask) set apart, in the reader's words."""
    parts, at = [], 0
    for found in _MASK.finditer(text):
        mark = Markup('<span class="mask">{}</span>').format(words.name("mask", found[1]))
        parts += [escape(text[at : found.start()]), mark]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def star_marks(stars: int) -> Markup:
    """Five stars, so many of them filled, with a word for screen readers beside it in the template."""
    return Markup('<span class="stars st-{}" aria-hidden="true">{}<i>{}</i></span>').format(
        stars, "★" * stars, "★" * (5 - stars)
    )


# A page of ten sources tells nine hundred days twice, and nearly all of them alike: each is worded once.
@lru_cache(maxsize=20_000)
def _told(day: date, state: str, reason: str, same_year: bool, language: str) -> tuple[str, str]:
    """A day of a source: its words for the pointer, and its row of the table."""
    words = Words(language)
    told = (words.day(day, today=day if same_year else None), words.name("coverage", state), words.reason(reason))
    row = Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>\n').format(*told)
    return " · ".join(filter(None, told)), str(row)


class Ledger(NamedTuple):
    """A source's last days: as cells, each with its day, state and reason, and the same as rows of a table."""

    cells: Markup
    rows: Markup


def ledger(state: State, words: Words, today: date) -> Ledger:
    """Draw a source's last days."""
    return _drawn(state.ledger, state.source.name, len(state.missing), words.language, today.year)


@lru_cache(maxsize=1_000)
def _drawn(days: tuple[Day, ...], name: str, missing: int, language: str, year: int) -> Ledger:
    told = [_told(cell.day, cell.state, cell.reason, cell.day.year == year, language) for cell in days]
    cells = [(cell.state if cell.promised else "none", pointer) for cell, (pointer, _) in zip(days, told, strict=True)]
    title = Words(language).t("ledger.title", source=name, n=missing)
    rows = Markup("".join(row for _, row in told))  # noqa: S704  escaped in _told
    return Ledger(charts.ledger(cells, title), rows)


def past_runs(state: State, words: Words, today: date) -> Markup:
    """The newest runs of a source as lines of a list. Written here, each once: thirty sources have hundreds."""
    written = [
        _past_run(run.started_at, run.outcome, run.trigger, run.stored, run.reason, words, today) for run in state.runs
    ]
    return Markup("").join(written)


@lru_cache(maxsize=10_000)
def _past_run(
    at: datetime, outcome: str, trigger: str, stored: int, reason: str | None, words: Words, today: date
) -> Markup:
    line = Markup(
        '<li><time datetime="{}">{}</time> <span class="state is-{}">{}</span> <small class="base">{} · {}</small>'
    ).format(
        at.isoformat(), words.moment(at, today=today), outcome, words.name("outcome", outcome),
        words.name("trigger", trigger), words.t("sources.stored", n=stored),
    )  # fmt: skip
    why = Markup("<br><small>{}</small>").format(words.reason(reason)) if reason else ""
    return line + why + Markup("</li>")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # it would ask the disk for the age of every template on every page
        cache_size=-1,
    )
    made.filters.update(masked=masked, mean_of=mean_stars, ledger=ledger, past_runs=past_runs)
    made.globals.update(
        static=_static,
        reviews_url=links.reviews,
        star_marks=star_marks,
        star_rows=star_rows,
        star_bar=charts.star_bar,
        sparkline=charts.sparkline,
        counts_line=lines.counts_line,
    )
    return made


def compile_templates() -> None:
    """Read and compile every template, so that nobody waits for it."""
    for name in _environment().list_templates():
        _environment().get_template(name)


def render(request: Request, template: str, words: Words, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page."""
    now = clock.now()
    theme = request.cookies.get("theme")
    query = f"?{request.url.query}" if request.url.query else ""
    html = (
        _environment()
        .get_template(template)
        .render(
            w=words,
            t=words.t,
            now=now,
            path=request.url.path,
            here=request.url.path + query,
            theme=theme if theme in {"light", "dark"} else "auto",
            language=words.language,
            topic_name=lambda topic: topic_name(topic, words.language),
            settings_pages=SETTINGS,
            caller=getattr(request.state, "caller", None),
            flash=_flash(request, words),
            late=getattr(request.state, "late_minutes", 0),
            **values,
        )
    )
    return HTMLResponse(html, status, {"Vary": "Accept-Language, Cookie"})


_FLASHES = frozenset(
    {
        "acknowledged",
        "silenced",
        "unsilenced",
        "resolved",
        "reopened",
        "queued",
        "backfill",
        "test",
        "saved",
        "deleted",
        "added",
        "unchanged",
        "voted",
        "corrected",
        "uncorrected",
        "topics",
        "training",
    }
)


def _flash(request: Request, words: Words) -> str:
    """What the last form did, told on the page it led to."""
    done = request.query_params.get("done", "")
    return words.t(f"done.{done}") if done in _FLASHES else ""


def go(path: str, done: str = "") -> RedirectResponse:
    """See the page that a form leads to; `done` is told there."""
    return RedirectResponse(path + ("?" + urlencode({"done": done}) if done else ""), 303)


def error_page(request: Request, status: int, detail: str, key: str = "") -> HTMLResponse:
    """An error for a person."""
    words = words_of(request)
    detail = words.t(key) if key else words.reason(detail)
    return render(request, "error.html", words, status=status, status_code=status, detail=detail)


def safe_back(back: str) -> str:
    """A path of ours to return to, or the first page; never another site."""
    return back if re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", back) else "/"
