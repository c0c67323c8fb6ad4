"""An incident's story to take away: its timeline as rows, as CSV or as Markdown for a post-mortem."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.wording import chance_sentence, headline, lead
from app.i18n import Words
from app.reading.called import Called, retold
from app.reading.incidents import Story


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line: when, what happened, who did it ("cocoon": nobody), and the fact or the words."""

    at: datetime
    what: str
    by: str
    detail: str


def timeline(words: Words, story: Story) -> list[TimelineLine]:
    """The events and the deliveries of an incident in one order, the oldest first."""
    lines = [
        TimelineLine(
            event.at, words.name("event", event.kind), event.actor, event_detail(words, event.detail, story.called)
        )
        for event in story.events
    ]
    lines += [
        TimelineLine(
            delivery.sent_at or delivery.created_at,
            f"{words.name('message', delivery.kind)} → {destination.name}",
            "cocoon",
            words.name("delivery", delivery.state),
        )
        for delivery, destination in story.deliveries
    ]
    return sorted(lines, key=lambda line: line.at)


def event_detail(words: Words, detail: Mapping[str, object], called: Called | None) -> str:
    """The fact of an event, why nothing is seen any more, which destination it was, or a person's words."""
    from app.pages.headlines import told_title  # the pages import the API, which imports this

    effect, rule = detail.get("effect"), detail.get("rule")
    if isinstance(effect, dict) and effect and isinstance(rule, str):
        return told_title(words, rule, str(detail.get("subject", "")), effect, called)
    why, days = detail.get("why"), detail.get("days")
    if why and isinstance(days, int):
        return words.t(f"incident.unseen.{why}", n=days)
    if detail.get("destination"):
        reason = words.reason(str(detail.get("reason") or ""))
        return " · ".join(filter(None, (str(detail["destination"]), reason)))
    return str(detail.get("text") or "")


def as_markdown(words: Words, story: Story) -> str:
    """The story as a document: the headline, when, how rare, and the timeline as a list."""
    incident = story.incident
    ended = words.moment(incident.resolved_at) if incident.resolved_at else words.name("incident_state", incident.state)
    about = [lead(incident, words.language), chance_sentence(incident, words.language)]
    lines = [f"# {_plain(headline(story.app.name, retold(incident, story.called), words.language))}", ""]
    lines += [f"{words.moment(incident.opened_at)} – {ended}", ""]
    lines += [part for sentence in about if sentence for part in (_plain(sentence), "")]
    for line in timeline(words, story):
        who = f" ({line.by})" if line.by != "cocoon" else ""
        detail = f": {_plain(line.detail)}" if line.detail else ""
        lines.append(f"- {words.moment(line.at)} **{_plain(line.what)}**{_plain(who)}{detail}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """People's words as words: no markup of theirs becomes live in the document."""
    flat = " ".join(text.split())
    for sign in "\\`*_[]<>#|!":
        flat = flat.replace(sign, f"\\{sign}")
    return flat
