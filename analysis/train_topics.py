"""Rebuild the heads of topics and of the urgent lane: `python -m analysis.train_topics --data FOLDER --labels FOLDER`.

Learnt from sentences written for it (data/topic_sentences.yaml, data/urgent_sentences.yaml), the halves of the
hand-made labels that may be tuned on, banking77 (Casanueva et al. 2020, CC BY 4.0; its training part) and, with little
weight, reviews that phrases speak for. Never from insurance_fr (no licence) nor from the held-back halves. Same
folders, same encoder, same files.
"""

import argparse
import csv
import hashlib
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression

from analysis import corpora, embeddings
from analysis.tokens import tokenise
from analysis.topic_head import URGENT
from analysis.topics import find, topic_ids
from analysis.urgent import urgent

_BANKING = {
    "card": """activate_my_card card_about_to_expire card_acceptance card_arrival card_delivery_estimate card_linking
        card_not_working card_swallowed card_payment_fee_charged card_payment_wrong_exchange_rate change_pin pin_blocked
        cash_withdrawal_charge declined_card_payment declined_cash_withdrawal disposable_card_limits getting_spare_card
        get_disposable_virtual_card get_physical_card getting_virtual_card lost_or_stolen_card order_physical_card
        pending_card_payment pending_cash_withdrawal supported_cards_and_currencies virtual_card_not_working
        visa_or_mastercard wrong_amount_of_cash_received wrong_exchange_rate_for_cash_withdrawal atm_support
        reverted_card_payment? contactless_not_working compromised_card card_payment_not_recognised
        cash_withdrawal_not_recognised""",
    "security_fraud": """card_payment_not_recognised cash_withdrawal_not_recognised compromised_card
        direct_debit_payment_not_recognised lost_or_stolen_phone""",
    "mobile_payment": "apple_pay_or_google_pay contactless_not_working",
    "balance_history": """balance_not_updated_after_bank_transfer balance_not_updated_after_cheque_or_cash_deposit
        pending_card_payment pending_cash_withdrawal transaction_charged_twice""",
    "cheque_deposit": "balance_not_updated_after_cheque_or_cash_deposit top_up_by_cash_or_cheque",
    "transfer": """balance_not_updated_after_bank_transfer beneficiary_not_allowed cancel_transfer declined_transfer
        failed_transfer pending_transfer receiving_money transfer_fee_charged transfer_into_account transfer_timing
        transfer_not_received_by_recipient pending_top_up top_up_by_bank_transfer_charge top_up_failed top_up_reverted
        topping_up_by_card automatic_top_up top_up_limits""",
    "fees": """card_payment_fee_charged cash_withdrawal_charge exchange_charge exchange_rate extra_charge_on_statement
        Refund_not_showing_up request_refund top_up_by_bank_transfer_charge top_up_by_card_charge transfer_fee_charged
        card_payment_wrong_exchange_rate wrong_exchange_rate_for_cash_withdrawal""",
    "account_opening": """age_limit country_support unable_to_verify_identity verify_my_identity why_verify_identity
        verify_source_of_funds""",
    "account_closure": "terminate_account",
    "sign_in": "passcode_forgotten",
    "settings_profile": "edit_personal_details",
    "strong_authentication": "verify_top_up",
    URGENT: """compromised_card lost_or_stolen_card cash_withdrawal_not_recognised card_payment_not_recognised
        direct_debit_payment_not_recognised transaction_charged_twice""",
}
"""Which kinds of banking77 speak of which topic."""
_UNCLEAR = frozenset({"fiat_currency_support", "exchange_via_app", "lost_or_stolen_phone"})  # of no topic for sure
_GRAVE = frozenset({"security_fraud", "account_closure"})  # topics whose sentences may be urgent
_WEIGHTS = {"own": 3.0, "labelled": 2.0, "banking": 0.15, "reviews": 0.05}
_URGENT_WEIGHTS = {"own": 3.0, "labelled": 0.3, "banking": 0.3, "reviews": 0.3}
_REVIEWS = (("minibar", 4000), ("playstore_en", 2500), ("maalej", 800))
_LONGEST = 250  # characters of a review that says what it says of one thing or two


@dataclass(frozen=True, slots=True)
class Taught:
    """A text with what it speaks of; `topics` or `urgent` is None where that is not known."""

    text: str
    kind: str
    topics: frozenset[str] | None
    urgent: bool | None


def main() -> None:
    """Read the command line, fit, write analysis/data/topic_head.npz, print what was learnt from."""
    parser = argparse.ArgumentParser(prog="python -m analysis.train_topics", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    arguments = parser.parse_args()
    rows = [*own(), *fresh(arguments.labels), *labelled(arguments.data, arguments.labels)]
    rows += [*banking(arguments.data, arguments.labels), *reviews(arguments.data, arguments.labels)]
    vectors = embeddings.installed().vectors([row.text for row in rows])
    if vectors is None:
        raise SystemExit("the encoder is not installed")
    fit(rows, vectors, Path(__file__).parent / "data" / "topic_head.npz")
    stamp = hashlib.sha256("\n".join(f"{row.kind} {row.text}" for row in rows).encode()).hexdigest()[:12]
    print(f"{len(rows)} texts, {stamp}")  # noqa: T201  a command's answer


def fit(rows: Sequence[Taught], vectors: embeddings.Floats, file: Path) -> None:
    """One logistic head for each topic and one for the urgent lane; written to `file`."""
    names = [*topic_ids(), URGENT]
    weights, bias = np.zeros((len(names), embeddings.SIZE)), np.zeros(len(names))
    told = [
        (np.array([row.topics is not None for row in rows]), _WEIGHTS),
        (np.array([row.urgent is not None for row in rows]), _URGENT_WEIGHTS),
    ]
    for number, name in enumerate(names):
        chosen, scale = told[name == URGENT]
        mine = [row for row, kept in zip(rows, chosen, strict=True) if kept]
        truth = np.array([bool(row.urgent) if name == URGENT else name in (row.topics or ()) for row in mine])
        heavy = np.array([scale[row.kind] for row in mine])
        head = LogisticRegression(C=10.0, max_iter=400).fit(vectors[chosen], truth, sample_weight=heavy)
        weights[number], bias[number] = head.coef_[0], head.intercept_[0]
    np.savez(file, ids=np.array(names), weights=weights.astype(np.float16), bias=bias.astype(np.float32))


def own() -> list[Taught]:
    """Sentences written for the heads."""
    sentences = _yaml("topic_sentences.yaml")
    found = [
        Taught(text, "own", frozenset(topics.split()) - {"none"}, None)
        for topics, texts in sentences.items()
        for text in texts
    ]
    lanes = _yaml("urgent_sentences.yaml")
    found += [Taught(text, "own", None, urgent=name == URGENT) for name, texts in lanes.items() for text in texts]
    calm = [topics for topics in sentences if not _GRAVE & set(topics.split())]
    return found + [Taught(text, "own", None, urgent=False) for topics in calm for text in sentences[topics]]


def _yaml(name: str) -> dict[str, list[str]]:
    raw: dict[str, list[str]] = yaml.safe_load(resources.files("analysis").joinpath(f"data/{name}").read_text("utf-8"))
    return raw


def fresh(labels: Path) -> list[Taught]:
    """The halves of the sentences written afresh that may be mended on; those of calm topics are not urgent."""
    found = []
    for name in ("fresh_topics.csv", "fresh_topics_again.csv"):
        for row in _csv(labels / name):
            if zlib.crc32(row["text"].encode()) % 2 == 0:
                topics = frozenset(topic for topic in row["topics"].split() if not topic.endswith("?"))
                found.append(Taught(row["text"], "own", topics, None if _GRAVE & topics else False))
    lanes = [*_csv(labels / "fresh_urgent.csv"), *_csv(labels / "fresh_urgent_again.csv")]
    lanes = [row for row in lanes if zlib.crc32(row["text"].encode()) % 2 == 0]
    return found + [Taught(row["text"], "own", None, row["urgent"] == "1") for row in lanes]


def labelled(data: Path, labels: Path) -> list[Taught]:
    """The half of the verbatims labelled by hand that phrases are tuned on, without those of unclear licence."""
    wanted = {row["sha256"]: row for row in _csv(labels / "topic_labels.csv") if int(row["sha256"][-1], 16) % 2 == 0}
    found = []
    for corpus in sorted({row["corpus"] for row in wanted.values()} & set(corpora.TRAINABLE)):
        for example in corpora.read(data, corpus):
            row = wanted.get(_key(example.text))
            if row is not None:
                found.append(Taught(example.text, "labelled", frozenset(row["topics"].split()), None))
    return found


def banking(data: Path, labels: Path) -> list[Taught]:
    """The training part of banking77: its kinds, as topics; without those labelled by hand."""
    known = {row["sha256"] for row in _csv(labels / "topic_labels.csv")}
    told: dict[str, set[str]] = {}
    for topic, kinds in _BANKING.items():
        for kind in kinds.split():
            told.setdefault(kind, set()).add(topic)
    tested = corpora.banking77_test(data)
    return [
        Taught(
            example.text,
            "banking",
            frozenset(told.get(example.app, ())) - {URGENT},
            URGENT in told.get(example.app, ()),
        )
        for example in corpora.read(data, "banking77")
        if example.app not in _UNCLEAR and example.text not in tested and _key(example.text) not in known
    ]


def reviews(data: Path, labels: Path) -> list[Taught]:
    """Reviews of apps with the topics that phrases find in them, without those labelled by hand."""
    known = {row["sha256"] for row in _csv(labels / "topic_labels.csv")}
    chance = random.Random(5)  # noqa: S311  a sample, not a secret
    rows: list[corpora.Example] = []
    for corpus, count in _REVIEWS:
        short = [
            one for one in corpora.read(data, corpus) if 4 <= len(one.text) <= _LONGEST and _key(one.text) not in known
        ]
        chance.shuffle(short)
        rows += short[:count]
    tokens = tokenise([row.text for row in rows])
    mentions = find(tokens, [row.language for row in rows])
    topics: list[set[str]] = [set() for _ in rows]
    for topic, first in zip(mentions.topic.tolist(), mentions.first.tolist(), strict=True):
        topics[int(tokens.doc[first])].add(topic_ids()[topic])
    return [
        Taught(row.text, "reviews", frozenset(named), None if alarm else False)
        for row, named, alarm in zip(rows, topics, urgent(tokens).tolist(), strict=True)
    ]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
