"""Texts that a channel must survive, and a message made of them."""

from hypothesis import strategies as st

from alerts.channels.base import Message, Quote

NASTY = st.one_of(
    st.text(max_size=400),
    st.text(alphabet=st.characters(), max_size=200),
    st.sampled_from(
        [
            "<!channel> <!here> <@U123> <at>Ada</at> <#C1|x> <https://evil.example|cliquez>",
            "@here @channel @everyone #general www.evil.example evil.com/path http://evil.example mailto:a@b.fr",
            "[cliquez](https://evil.example) ![x](http://evil.example/a.png) **gras** _it_ <a href='http://x.fr'>x</a>",
            "Objet\r\nBcc: victime@evil.example\r\n\r\n<script>alert(1)</script>",
            "=?utf-8?q?Bcc=3A_a=40b.fr?= {{DATE(2026-11-19T10:00:00Z,SHORT)}} ${x}",
            "& < > &amp; &lt; \" ' " * 40,
            "🏦" * 20_000,
            "a" * 20_000,
            "<" * 20_000,
            '"\\' * 10_000,
            "\u202eabc\u202c مرحبا שלום",
            "ligne\n\n> citation\n\x00\x07fin\x85\u2028\u2029.",
            "nul.je déteste",
            ".\r\n.\r\nQUIT\r\n",
            "\ud800 seul",
            "",
            " \n ",
        ]
    ),
)

LINK = "https://cocoon.example/incidents/1?a=1&b=2"


def message(text: str, **changed: object) -> Message:
    fields: dict[str, object] = {
        "kind": "incident.opened",
        "title": text,
        "lead": text,
        "app": text,
        "language": "fr",
        "severity": "alert",
        "quotes": tuple(Quote(text, 1, text[:20], "Google Play", "mardi 17 nov.") for _ in range(4)),
        "chance": text,
        "trend": text[:100],
        "link": LINK,
        "link_text": text,
        "incident_id": "5b0f4f5e-7d3f-4d2a-9d7e-2b1f0f6f2f11",
    }
    return Message(**(fields | changed))  # type: ignore[arg-type]


PLAIN = Message(
    kind="incident.opened",
    title="Banque Mésange : 4,4 → 3,6 ★ sur 212 avis en 3 jours",
    lead="Depuis mardi 17 nov., surtout la version 7.2.",
    app="Banque Mésange",
    language="fr",
    severity="alert",
    quotes=(Quote("Impossible de me connecter", 1, "7.2", "Google Play", "mardi 17 nov."),),
    chance="Sans changement réel…",
    link="https://cocoon.example/incidents/1",
    link_text="Voir l’incident",
    incident_id="5b0f4f5e-7d3f-4d2a-9d7e-2b1f0f6f2f11",
)
