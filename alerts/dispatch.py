"""The dispatcher: claims in one transaction, sends outside any, records the outcome in another."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from uuid import UUID

from alerts.channels.base import DeliveryError, Message, Receipt
from alerts.channels.registry import LOCAL
from alerts.failures import failed
from alerts.irritant_names import as_known_now
from alerts.outbox import LEASE, Claimed, OpenChannel, Transaction, claim, delivered, give_back, renew

log = logging.getLogger(__name__)

BATCH = 8
AGAIN = timedelta(seconds=5)  # for what waited behind a try that failed
LONGEST_HOLD = 300.0  # seconds that the lease of one round is renewed for
LONGEST_REST = 10.0  # seconds between tries of a loop whose database is away

Outcome = Receipt | DeliveryError | None
"""None: not tried."""


def dispatch_once(
    transaction: Transaction, open_channel: OpenChannel, worker: str, *, limit: int = BATCH, lease: timedelta = LEASE
) -> int:
    """Claim what is due, send it, record each outcome as it comes. Returns how many were claimed.

    Destinations are served side by side, so that one slow receiver holds up nobody else; within a destination messages
    go in order and at its pace, and stop at the first failure.
    """
    with transaction() as session:
        claimed = [
            replace(one, message=as_known_now(session, one.app_id, one.message))
            for one in claim(session, worker, limit, lease)
        ]
    if not claimed:
        return 0
    groups: dict[int, list[Claimed]] = {}
    for one in claimed:
        groups.setdefault(one.target.id, []).append(one)

    open_now = {one.id: one for one in claimed}

    def record(one: Claimed, outcome: Outcome) -> None:
        open_now.pop(one.id, None)
        with transaction() as session:
            if isinstance(outcome, Receipt):
                delivered(session, one, outcome)
            elif isinstance(outcome, DeliveryError) and outcome.untried:
                give_back(session, worker, one, timedelta(seconds=outcome.retry_after or 0) or AGAIN)
            elif isinstance(outcome, DeliveryError):
                failed(session, worker, one, outcome)
            else:
                give_back(session, worker, one, AGAIN)

    with _kept(transaction, worker, open_now, lease):
        _send_all(groups, open_channel, monotonic() + lease.total_seconds() / 2, record)
    return len(claimed)


@contextmanager
def _kept(transaction: Transaction, worker: str, open_now: Mapping[UUID, Claimed], lease: timedelta) -> Iterator[None]:
    """Renew the leases of what is still being sent, so that a slow receiver is not sent the same again meanwhile.

    Not for ever: what hangs for longer than LONGEST_HOLD is left to another try.
    """
    done = Event()

    def keep() -> None:
        begun = monotonic()
        while not done.wait(lease.total_seconds() / 3) and monotonic() - begun < LONGEST_HOLD:
            try:
                with transaction() as session:
                    renew(session, worker, list(open_now.values()), lease)
            except Exception:
                log.warning("leases could not be renewed", exc_info=True)

    keeper = Thread(target=keep, name="leases", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join(timeout=1.0)


def _send_all(
    groups: Mapping[int, list[Claimed]],
    open_channel: OpenChannel,
    deadline: float,
    record: Callable[[Claimed, Outcome], None],
) -> None:
    """Send each destination's messages; several destinations side by side."""
    remote = []
    for group in groups.values():
        if group[0].target.kind in LOCAL:
            _send_group(group, open_channel, deadline, record)
        else:
            remote.append(group)
    if len(remote) == 1:
        _send_group(remote[0], open_channel, deadline, record)
    elif remote:
        _side_by_side(remote, open_channel, deadline, record)


def run_dispatcher(
    transaction: Transaction, open_channel: OpenChannel, stop: Event, *, worker: str, poll: float = 0.5
) -> None:
    """Dispatch until `stop` is set. A database that is away is waited for, with longer and longer rests."""
    rest = poll
    while not stop.is_set():
        try:
            busy = dispatch_once(transaction, open_channel, worker) > 0
            rest = poll
        except Exception:
            log.exception("the dispatcher could not work; it goes on")
            busy, rest = False, min(rest * 2, LONGEST_REST)
        if not busy:
            stop.wait(rest)


def _send_group(
    group: list[Claimed], open_channel: OpenChannel, deadline: float, record: Callable[[Claimed, Outcome], None]
) -> None:
    """Send one destination's messages in order. After a failure, or late in the lease, the rest is given back."""
    going = True
    for number, one in enumerate(group):
        if not going or (number and monotonic() > deadline):
            record(one, None)
            continue
        outcome = _send(one, open_channel, paced=number > 0)
        record(one, outcome)
        going = isinstance(outcome, Receipt)


def _side_by_side(
    groups: list[list[Claimed]],
    open_channel: OpenChannel,
    deadline: float,
    record: Callable[[Claimed, Outcome], None],
) -> None:
    """Send several destinations at once, a thread each; outcomes are recorded by this thread, as they come."""
    with ThreadPoolExecutor(max_workers=len(groups), thread_name_prefix="send") as pool:
        rest = {id(group): list(group) for group in groups}
        running: dict[Future[Outcome], list[Claimed]] = {
            pool.submit(_send, group[0], open_channel, paced=False): group for group in groups
        }
        while running:
            done = next(as_completed(running))
            group = running.pop(done)
            waiting = rest[id(group)]
            outcome = done.result()
            record(waiting.pop(0), outcome)
            if not isinstance(outcome, Receipt) or monotonic() > deadline:
                for one in waiting:
                    record(one, None)
            elif waiting:
                running[pool.submit(_send, waiting[0], open_channel, paced=True)] = group


def _send(one: Claimed, open_channel: OpenChannel, *, paced: bool) -> Receipt | DeliveryError:
    """Send one message; whatever goes wrong is a failed try with its reason, never a lost delivery."""
    try:
        channel = open_channel(one.target)
        if paced and channel.pace:
            Event().wait(channel.pace)
        return channel.send(Message.from_json(dict(one.message)), one.id, one.at)
    except DeliveryError as error:
        return error
    except Exception as error:
        log.exception("a message could not be sent", extra={"delivery": str(one.id)})
        return DeliveryError(f"{type(error).__name__}: {error}")
