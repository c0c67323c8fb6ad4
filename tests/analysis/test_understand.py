"""The whole stage: what it says, and that no text of any kind breaks it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import heads
from analysis import understand as stage
from analysis.taxonomy import taxonomy
from analysis.understand import Document, understand


def test_nothing_in_nothing_out() -> None:
    assert understand([]) == []


def test_order_is_kept_and_neighbours_do_not_matter() -> None:
    documents = [
        Document(text) for text in ("Nul, plante sans arrêt", "", "Love it", "👍", "Muy mala", "Connexion impossible")
    ]
    together = understand(documents)
    alone = [understand([document])[0] for document in documents]
    for left, right in zip(together, alone, strict=True):
        assert left.sentiment == pytest.approx(right.sentiment, abs=1e-5)
        assert (left.language, left.label, left.intents, left.urgent) == (
            right.language,
            right.label,
            right.intents,
            right.urgent,
        )
        assert [m.topic for m in left.topics] == [m.topic for m in right.topics]


def test_larger_batches_than_the_inner_one() -> None:
    said = understand([Document("Super appli" if number % 2 else "Nul") for number in range(2_501)])
    assert len(said) == 2_501
    assert all((one.sentiment > 0) == bool(number % 2) for number, one in enumerate(said))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Super appli, très pratique, je recommande", "positive"),
        ("Great app, easy to use", "positive"),
        ("Nul, impossible de se connecter", "negative"),
        ("Worst app ever, keeps crashing", "negative"),
        ("Je ne recommande pas cette application", "negative"),
        ("Not good at all", "negative"),
    ],
)
def test_the_label_of_plain_texts(text: str, label: str) -> None:
    assert understand([Document(text)])[0].label == label


def test_stars_do_not_change_the_sentiment() -> None:
    five, one = understand(
        [Document("Impossible de me connecter", stars=5), Document("Impossible de me connecter", stars=1)]
    )
    assert five.sentiment == one.sentiment < 0


def test_intents_come_several_at_once() -> None:
    said = understand(
        [
            Document("L'appli plante au démarrage. Pourquoi ne pas ajouter un mode sombre ?"),
            Document("How do I change my password?"),
            Document("Please add a dark mode"),
            Document("Excellent, merci"),
        ]
    )
    assert "problem" in said[0].intents
    assert "question" in said[1].intents
    assert "request" in said[2].intents
    assert "praise" in said[3].intents
    assert "problem" not in said[3].intents


@pytest.mark.parametrize(
    "text",
    [
        "On m'a volé 2000 euros sur mon compte, personne ne répond",
        "Je me suis fait pirater mon compte",
        "J'ai reçu un faux SMS de la banque avec un lien",
        "Mon argent est bloqué depuis trois semaines",
        "Ils ont bloqué mon compte sans raison",
        "Je vois les comptes d'un autre client !",
        "Un paiement que je n'ai jamais fait, ce n'est pas moi",
        "Débité deux fois pour le même achat",
        "Avec cette banque j'ai envie d'en finir",
        "Fraude à la carte et le service client raccroche",
        "My account was hacked and the money is gone",
        "There is a transaction I did not make",
        "Got a phishing text asking for my code",
        "They froze my account and won't release my funds",
        "I can see someone else's account when I log in",
        "I want to kill myself because of this bank",
        "I will come and shoot them all",
        "unauthorised payment on my card",
        "i was charged twice",
        "Where is my money???",
        "Des inconnus ont fait des achats avec mon compte",
        "2 300 € ont disparu de mon livret",
        "J'ai accès au relevé d'une autre personne",
        "Un virement est parti de mon compte sans que je le demande",
        "All my savings vanished overnight",
        "Someone took over my account and changed the password",
    ],
)
def test_the_urgent_lane_takes_them(text: str) -> None:
    assert understand([Document(text)])[0].urgent


@pytest.mark.parametrize(
    "text",
    [
        "Super appli",
        "Elle plante tout le temps",
        "Impossible de me connecter",
        "Great app, easy to use",
        "This app is the bomb",
        "I love the fraud protection",
        "Good way to kill time",
        "Trop de publicités",
        "Le virement est lent",
        "Code bloqué après trois essais",
        "Notifications en double à chaque paiement",
        "Message d'erreur bizarre à la connexion",
        "I need to enter my password every time",
    ],
)
def test_the_urgent_lane_leaves_them(text: str) -> None:
    assert not understand([Document(text)])[0].urgent


ODD = st.sampled_from(
    [
        "\ud800",
        "\udfff",
        "Z̷̧̛͔͙̿a̶l̶g̸o",
        "مرحبا",
        "שלום",
        "👩‍👩‍👧‍👦",
        "🇫🇷",
        "\u202e",
        "\x00",
        "\u200b",
        "ﷺ",
        "İ",
        "ß",
        "…",
        "mais",
        "'",
        ":)",
        "€",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.one_of(ODD, st.text(max_size=6)), max_size=12).map("".join))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.builds(
            Document,
            TEXTS,
            title=TEXTS,
            stars=st.one_of(st.none(), st.integers(-3, 9)),
            storefront=st.one_of(st.none(), TEXTS),
            locale=st.one_of(st.none(), TEXTS),
        ),
        max_size=6,
    )
)
def test_no_text_of_any_kind_raises(documents: list[Document]) -> None:
    said = understand(documents)
    assert len(said) == len(documents)
    topics = taxonomy().topics
    for one in said:
        assert -1 <= one.sentiment <= 1
        assert 0 <= one.confidence <= 1
        assert one.label in {"negative", "mixed", "neutral", "positive"}
        assert one.language == "und" or len(one.language) == 2
        for mention in one.topics:
            assert mention.step == topics[mention.topic].step
            assert -1 <= mention.sentiment <= 1
            assert mention.evidence


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["a", "a ", "bug ", "né ", "👍", "é\u0301\u0302", "\ud800", ".", "pas ", "\u202eشكرا ", "mais ", "\n"]
)
def test_hundred_kilobytes_do_not_hang(unit: str) -> None:
    assert len(understand([Document(unit * (100_000 // len(unit.encode("utf-8", "replace"))))] * 2)) == 2


def test_the_version_is_on_every_row_and_tells_models_and_rules() -> None:
    said = understand([Document("ok"), Document("")])
    assert {one.model for one in said} == {stage.MODEL}
    assert stage.MODEL.startswith(heads.load().version + "-")
