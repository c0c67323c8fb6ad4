"""Figures for Prometheus at /metrics (text format 0.0.4): how quick the telling is, and whether anything is stuck."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from alerts.outbox import oldest_due_age
from app import clock
from app.auth import allow
from app.db import DB
from app.reading import latency

router = APIRouter(include_in_schema=False, dependencies=[allow("viewer")])


@router.get("/metrics")
def metrics(session: DB) -> PlainTextResponse:
    """Ask with a key that may read."""
    lines: list[str] = []

    def tell(name: str, help_: str, samples: list[tuple[str, float]]) -> None:
        if samples:
            lines.extend((f"# HELP {name} {help_}", f"# TYPE {name} gauge"))
            lines.extend(f"{name}{labels} {value:g}" for labels, value in samples)

    known = latency.latencies(session)
    tell(
        "cocoon_delivery_latency_seconds",
        "From the finding to the receiver's 2xx, over 30 days.",
        [
            (f'{{destination="{_escaped(one.name or "all")}",quantile="{quantile}"}}', value)
            for one in known
            for quantile, value in (("0.5", one.p50), ("0.95", one.p95))
        ],
    )
    tell(
        "cocoon_delivery_latency_messages",
        "How many messages the latencies are of.",
        [(f'{{destination="{_escaped(one.name or "all")}"}}', one.n) for one in known],
    )
    tell(
        "cocoon_deliveries",
        "Deliveries by state.",
        [(f'{{state="{state}"}}', n) for state, n in sorted(latency.states(session).items())],
    )
    age = oldest_due_age(session)
    tell(
        "cocoon_oldest_due_seconds", "How long the oldest due message waits.", [("", age.total_seconds() if age else 0)]
    )
    now = clock.now()
    tell(
        "cocoon_canary_age_seconds",
        "Since the newest canary was sent off.",
        [
            (f'{{destination="{_escaped(one.name)}",state="{one.state}"}}', (now - one.sent_off).total_seconds())
            for one in latency.canaries(session)
        ],
    )
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", " ")
