"""The plot of the demo: which releases come when, what each one breaks, and the harmless bursts in between.

All days are counted backwards from the day of the telling: 10 is ten days before `today`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Channel = Literal["app_store", "google_play"]
BOTH: tuple[Channel, ...] = ("app_store", "google_play")


@dataclass(frozen=True)
class PlotRelease:
    """A version, the day it comes out on the App Store, how much later on Google Play, and its notes."""

    version: str
    days_ago: int
    notes_fr: str
    notes_en: str
    play_delay: int = 0
    channels: tuple[Channel, ...] = BOTH


@dataclass(frozen=True)
class PlotIrritant:
    """Something a release breaks. `peak` is the extra complaints a day, as a share of the usual reviews a day."""

    key: str
    name_fr: str
    name_en: str
    topic: str
    began: str
    mended: str
    peak: float
    stars: tuple[float, float, float, float, float]
    also: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = BOTH


@dataclass(frozen=True)
class PlotBurst:
    """More reviews than usual, without anything broken. `stars` None: the usual mix."""

    key: str
    name_fr: str
    name_en: str
    days_ago: int
    days: int
    extra: float
    stars: tuple[float, float, float, float, float] | None = None
    short: float = 0.5
    channels: tuple[Channel, ...] = BOTH


_FIXES_FR = "Cette version corrige des anomalies et améliore la stabilité de votre application."
_FIXES_EN = "This version fixes bugs and makes your app more stable."

RELEASES: tuple[PlotRelease, ...] = (
    PlotRelease(
        "5.0",
        558,
        "Votre application change de visage : accueil repensé, comptes et cartes réunis.",
        "Your app has a new face: a new home screen, accounts and cards together.",
    ),
    PlotRelease(
        "5.6",
        442,
        "Vos alertes en temps réel : soyez prévenu de chaque opération.",
        "Real-time alerts: be told of every transaction.",
        play_delay=1,
    ),
    PlotRelease(
        "5.6.1",
        424,
        "Les notifications n'arrivent plus en double. Merci de vos retours.",
        "Notifications no longer arrive twice. Thank you for your feedback.",
    ),
    PlotRelease(
        "6.0",
        372,
        "Budget, catégories de dépenses et nouveau menu.",
        "Budget, spending categories and a new menu.",
        play_delay=2,
    ),
    PlotRelease(
        "6.0.1",
        359,
        "Correction d'un arrêt de l'application au démarrage sur certains téléphones.",
        "Fixes a crash at start on some phones.",
        channels=("google_play",),
    ),
    PlotRelease(
        "6.3",
        272,
        "Authentification forte plus simple et renforcement de la sécurité.",
        "Simpler strong authentication and better security.",
    ),
    PlotRelease(
        "6.3.1",
        263,
        "Correction d'une anomalie de connexion. Toutes nos excuses pour la gêne occasionnée.",
        "Fixes a sign-in problem. We apologise for the trouble.",
    ),
    PlotRelease(
        "6.6",
        205,
        "Gérez vos bénéficiaires et vos virements programmés depuis un seul écran.",
        "Manage your payees and scheduled transfers from one screen.",
    ),
    PlotRelease(
        "6.6.1",
        189,
        "Correction de l'ajout de bénéficiaire et des virements refusés à tort.",
        "Fixes adding a payee and transfers refused by mistake.",
        play_delay=1,
    ),
    PlotRelease(
        "6.8",
        140,
        "Déposez vos chèques plus vite avec le nouveau cadrage automatique.",
        "Pay in cheques faster with automatic framing.",
    ),
    PlotRelease("6.8.1", 121, "La photo des chèques est de nouveau acceptée.", "Cheque photos are accepted again."),
    PlotRelease(
        "7.0",
        80,
        "Mode sombre, recherche dans vos opérations et plus de rapidité.",
        "Dark mode, search in your transactions, and more speed.",
        play_delay=1,
    ),
    PlotRelease("7.1", 40, _FIXES_FR, _FIXES_EN),
    PlotRelease(
        "7.2",
        10,
        "Connexion biométrique nouvelle génération, plus sûre et plus rapide.",
        "New-generation biometric sign-in, safer and faster.",
    ),
    PlotRelease(
        "7.2.1",
        4,
        "Correction d'une boucle à la connexion par empreinte ou reconnaissance faciale.",
        "Fixes a loop when signing in with a fingerprint or face recognition.",
    ),
)

IRRITANTS: tuple[PlotIrritant, ...] = (
    PlotIrritant(
        "notif_56",
        "Notifications en double",
        "Notifications arrive twice",
        "notifications",
        "5.6",
        "5.6.1",
        0.17,
        (0.25, 0.36, 0.29, 0.08, 0.02),
    ),
    PlotIrritant(
        "crash_60",
        "L'application se ferme au démarrage",
        "The app crashes at start",
        "crash",
        "6.0",
        "6.0.1",
        0.42,
        (0.84, 0.12, 0.04, 0.0, 0.0),
        channels=("google_play",),
    ),
    PlotIrritant(
        "login_63",
        "Connexion impossible",
        "Cannot sign in",
        "sign_in",
        "6.3",
        "6.3.1",
        0.42,
        (0.87, 0.09, 0.03, 0.005, 0.005),
    ),
    PlotIrritant(
        "transfer_66",
        "Virement ou ajout de bénéficiaire refusé",
        "Transfer or new payee refused",
        "transfer",
        "6.6",
        "6.6.1",
        0.17,
        (0.58, 0.27, 0.13, 0.02, 0.0),
    ),
    PlotIrritant(
        "cheque_68",
        "Photo du chèque rejetée",
        "Cheque photo rejected",
        "cheque_deposit",
        "6.8",
        "6.8.1",
        0.16,
        (0.5, 0.3, 0.16, 0.03, 0.01),
    ),
    PlotIrritant(
        "login_72",
        "Impossible de se connecter, la biométrie tourne en boucle",
        "Cannot sign in, biometrics loop",
        "sign_in",
        "7.2",
        "7.2.1",
        0.95,
        (0.89, 0.07, 0.02, 0.005, 0.015),
        also=("biometrics",),
    ),
)

BURSTS: tuple[PlotBurst, ...] = (
    PlotBurst(
        "prompt_spring",
        "Invitation à noter l'application",
        "Rating prompt",
        330,
        11,
        0.8,
        (0.01, 0.01, 0.03, 0.15, 0.8),
        short=0.92,
    ),
    PlotBurst("press", "Article dans la presse", "Press mention", 235, 3, 1.1, short=0.35),
    PlotBurst("mailing", "Courriel à tous les clients", "E-mail to all customers", 102, 4, 1.4),
    PlotBurst(
        "prompt_autumn",
        "Invitation à noter l'application",
        "Rating prompt",
        58,
        8,
        0.7,
        (0.01, 0.01, 0.03, 0.15, 0.8),
        short=0.92,
    ),
)

TOPIC_SHARES: Mapping[str, float] = {
    "sign_in": 2.2, "biometrics": 0.8, "crash": 1.5, "slowness": 2.2, "update": 1.4, "transfer": 1.5,
    "instant_payment": 0.5, "card": 1.3, "cheque_deposit": 0.4, "balance_history": 1.3, "notifications": 0.8,
    "display": 1.8, "accessibility": 0.3, "compatibility": 0.9, "battery_data": 0.25, "advertising": 0.8, "fees": 1.7,
    "account_opening": 0.7, "documents": 0.8, "support": 2.6, "security_fraud": 0.5, "missing_feature": 1.2,
}  # fmt: skip
"""What people complain of on any day, as relative weights."""

UPTAKE: tuple[float, ...] = (0.22, 0.55, 0.8, 0.92)
"""Share of users on a release on its day 0, 1, 2, 3; afterwards 0.95."""

RELIEF: tuple[float, ...] = (0.62, 0.34, 0.18, 0.1, 0.05, 0.02)
"""Share of an irritant's complaints that still come on day 0, 1, … after its fix."""


@dataclass(frozen=True)
class Listing:
    """One stream of reviews: a storefront of the App Store, or a language of Google Play."""

    channel: Channel
    storefront: str | None
    locale: str
    per_day: float
    languages: Mapping[str, float] = field(default_factory=dict)
    tilt: float = 0.0
    ratings_before: int = 0
    histogram: tuple[float, float, float, float, float] = (0.05, 0.02, 0.05, 0.16, 0.72)


LISTINGS: tuple[Listing, ...] = (
    Listing("app_store", "fr", "fr", 10.5, {"fr": 0.935, "en": 0.025, "es": 0.008, "pt": 0.01, "it": 0.006,
            "de": 0.006, "ar": 0.01}, -0.06, 182_340, (0.04, 0.015, 0.045, 0.15, 0.75)),
    Listing("app_store", "gb", "en", 1.5, {"en": 0.9, "fr": 0.07, "de": 0.01, "es": 0.02}, -0.04, 6_120),
    Listing("google_play", None, "fr", 18.0, {"fr": 0.955, "en": 0.01, "es": 0.006, "pt": 0.01, "it": 0.004,
            "de": 0.005, "ar": 0.01}, 0.03, 96_480, (0.09, 0.03, 0.06, 0.15, 0.67)),
    Listing("google_play", None, "en", 3.6, {"en": 0.96, "fr": 0.01, "es": 0.01, "pt": 0.005, "de": 0.01, "ar": 0.005},
            0.0, 14_200, (0.1, 0.03, 0.07, 0.16, 0.64)),
)  # fmt: skip
