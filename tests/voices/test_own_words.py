"""Only what the customer wrote: mail programs' quotes in French and English, HTML, telephones' signatures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.own_words import own_words

MINE = "Bonjour,\nle virement échoue depuis hier."
QUOTED = "Bonjour Madame, avez-vous essayé de redémarrer ?"
NB = "\u00a0"


@pytest.mark.parametrize(
    "above",
    [
        "Le ven. 20 nov. 2026 à 10:12, Banque du Lien <aide@example.com> a écrit :",
        f"Le 20/11/2026 à 10:12, Aide a écrit{NB}:",
        "Le ven. 20 nov. 2026 à 10:12, Banque du Lien <aide@example.com>\na écrit :",
        "> Le 20 nov. 2026 à 10:12, Aide <aide@example.com> a écrit :",
        "On Fri, Nov 20, 2026 at 10:12 AM Help <help@example.com> wrote:",
        "On Fri, Nov 20, 2026 at 10:12 AM A Very Long Name Of Support\n<help@example.com> wrote:",
        "Am 20.11.2026 um 10:12 schrieb Hilfe <h@example.com>:",
        "-----Message d'origine-----",
        "----- Original Message -----",
        "---------- Forwarded message ---------",
        "________________________________",
        "De : Aide <aide@example.com>\nEnvoyé : vendredi 20 novembre 2026 10:12\nÀ : moi\nObjet : votre demande",
        "From: Help\nSent: Friday\nTo: me\nSubject: your request",
        "##- Veuillez saisir votre réponse au-dessus de cette ligne -##",
        "##- Please type your reply above this line -##",
        "Début du message réexpédié :",
        "-- ",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quotes_are_cut(above: str, end: str) -> None:
    text = f"{MINE}\n\n{above}\n{QUOTED}\n> encore".replace("\n", end)
    assert own_words(text) == MINE


@pytest.mark.parametrize(
    "html",
    [
        "<p>Bonjour,</p><p>le virement échoue depuis hier.</p><blockquote>{}</blockquote>",
        '<div>Bonjour,</div><div>le virement échoue depuis hier.</div><div class="gmail_quote">Le ven. :{}</div>',
        "Bonjour,<br>le virement&nbsp;échoue depuis hier.<br><br>Le 20 nov. 2026 à 10:12, Aide a écrit&nbsp;:<br>{}",
        "<html><head><style>p{{color:red}}</style></head><body>Bonjour,<br/>le virement échoue depuis hier."
        '<hr><div id="OutlookMessageHeader">{}</div></body></html>',
    ],
)
def test_html_is_made_plain_and_its_quotes_cut(html: str) -> None:
    found = own_words(html.format(QUOTED)).replace(NB, " ")
    assert [line for line in found.split("\n") if line] == MINE.split("\n")


@pytest.mark.parametrize(
    "said",
    [
        "Le conseiller m'a écrit : rappelez demain.",
        "On m'a dit que c'était réglé, vous m'avez écrit trois fois",
        "La carte coûte 3 < 5 euros, et 7 > 6",
        "De : la colère, oui. Rien ne marche.",
        "Le virement de 120 € - 3 jours de retard",
    ],
)
def test_what_only_looks_like_a_quote_stays(said: str) -> None:
    assert own_words(said) == said


def test_a_telephone_s_signature_is_no_word_of_the_customer() -> None:
    assert own_words(f"{MINE}\n\nEnvoyé de mon iPhone") == MINE
    assert own_words(f"{MINE}\n\nSent from my Galaxy") == MINE
    assert own_words(f"Envoyé depuis l’application Mail\n\nLe 20 nov. 2026, Aide a écrit :\n{QUOTED}") == ""


@given(st.text(max_size=400), st.booleans())
def test_it_never_breaks_and_never_adds(text: str, html: bool) -> None:
    found = own_words(text, html=html)
    assert own_words(found, html=False) == own_words(own_words(found, html=False), html=False)
    assert len(found) <= len(text) + 10
