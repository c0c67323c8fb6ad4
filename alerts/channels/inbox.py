"""The built-in inbox: keeps the exact body that a Slack channel would have been sent, for the page that shows it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from alerts.channels.base import Message, Receipt
from alerts.channels.slack import render
from alerts.outbox import Transaction
from models.incidents import InboxMessage


class Inbox:
    """Writes through the transaction it is given; a repeat of the same delivery changes nothing."""

    pace = 0.0

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def send(self, message: Message, delivery_id: UUID, at: datetime) -> Receipt:
        """Keep the message once."""
        del at
        with self._transaction() as session:
            known = session.scalar(select(InboxMessage.id).where(InboxMessage.delivery_id == delivery_id))
            if known is None:
                session.add(
                    InboxMessage(
                        delivery_id=delivery_id,
                        kind="slack",
                        headers={"content-type": "application/json"},
                        body=render(message),
                    )
                )
        return Receipt(200, "ok")
