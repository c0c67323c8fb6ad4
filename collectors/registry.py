"""The kinds of source: one line each. Adding a source is a module with a Collector and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from collectors.app_store import AppStoreFeed
from collectors.app_store_connect import CONNECT, AppStoreConnect
from collectors.app_store_lookup import ITUNES, AppStoreLookup
from collectors.base import Collector, Page, SourceError
from collectors.crash_kinds import CRASH_KINDS
from collectors.file_import import FileSource
from collectors.google_play import GooglePlay
from collectors.google_play_details import GooglePlayDetails
from collectors.http import Http, host_of
from collectors.play_console_bucket import STORAGE, PlayConsoleBucket
from collectors.play_console_csv import PlayConsoleCsv
from collectors.play_developer import ANDROID_PUBLISHER, PlayDeveloper
from collectors.play_format import PLAY
from collectors.play_tracks import PlayTracks
from collectors.qualtrics import Qualtrics
from collectors.survey_plan import read_plan
from collectors.surveymonkey import SURVEYMONKEY, SurveyMonkey
from collectors.ticket_kinds import TICKET_KINDS
from collectors.typeform import TYPEFORM, Typeform, read_typeform_hook

Config = Mapping[str, Any]
Brings = Literal["verbatims", "ratings", "releases", "stability"]


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source: how it is built from its settings, how often it is read, and what people call it.

    `channel` is the store's; "" where the setting `platform` (ios, android) decides: what crashes on iOS is told under
    the App Store, so that its versions are the store's. `minutes` is the default rhythm (0: once, by hand). `needs` are
    the settings it cannot do without; `url_setting` names the one that holds its base address and `url` is that
    address by default ('' for a file). `identity` names the kind whose external ids it shares ('': ids of its own):
    what several of them bring counts once. `late`: it publishes days later, and never says anything about today.
    `scheme` is how its system signs webhooks (see collectors.signatures; '': it sends none), `on_hook` reads one: bytes
    and the source's settings in, a page out; SourceError where it is unreadable.
    """

    kind: str
    channel: str
    minutes: int
    brings: tuple[Brings, ...]
    label_fr: str
    label_en: str
    needs: tuple[str, ...]
    builder: Callable[[Config, Http], Collector]
    url_setting: str = ""
    url: str = ""
    identity: str = ""
    late: bool = False
    scheme: str = ""
    on_hook: Callable[[bytes, Config], Page] | None = None

    def host(self, config: Config | None = None) -> str:
        """Return the host whose pace the source keeps, by its settings."""
        return host_of(str((config or {}).get(self.url_setting) or self.url)) if self.url else ""


def _feed(config: Config, http: Http) -> Collector:
    return AppStoreFeed(
        str(config["app_id"]), str(config["storefront"]), _url(config, "app_store_url", ITUNES), http=http
    )


def _lookup(config: Config, http: Http) -> Collector:
    return AppStoreLookup(
        str(config["app_id"]), str(config["storefront"]), _url(config, "app_store_url", ITUNES), http=http
    )


def _play(config: Config, http: Http) -> Collector:
    lang, gl = str(config["lang"]), str(config.get("gl") or "fr")
    return GooglePlay(str(config["app_id"]), lang, gl, _url(config, "google_play_url", PLAY), http=http)


def _details(config: Config, http: Http) -> Collector:
    lang, gl = str(config.get("lang") or "fr"), str(config.get("gl") or "fr")
    return GooglePlayDetails(str(config["app_id"]), lang, gl, _url(config, "google_play_url", PLAY), http=http)


def _connect(config: Config, http: Http) -> Collector:
    return AppStoreConnect(
        str(config["app_id"]),
        str(config["key_id"]),
        str(config["key_file"]),
        str(config.get("issuer_id") or ""),
        _url(config, "app_store_connect_url", CONNECT),
        http=http,
        territories=str(config.get("territories") or "").replace(" ", ""),
    )


def _play_api(config: Config, http: Http) -> Collector:
    url = _url(config, "android_publisher_url", ANDROID_PUBLISHER)
    return PlayDeveloper(str(config["app_id"]), str(config["key_file"]), url, http=http)


def _play_tracks(config: Config, http: Http) -> Collector:
    url = _url(config, "android_publisher_url", ANDROID_PUBLISHER)
    return PlayTracks(str(config["app_id"]), str(config["key_file"]), url, http=http)


def _play_csv(config: Config, http: Http) -> Collector:
    return PlayConsoleCsv(str(config["app_id"]), str(config["folder"]))


def _typeform(config: Config, http: Http) -> Collector:
    form = str(config["survey_id"])
    url = _url(config, "typeform_url", TYPEFORM)
    plan = read_plan(config, form)
    return Typeform(form, plan, str(config["token_file"]), url, http=http, cursor=str(config.get("cursor") or ""))


def _qualtrics(config: Config, http: Http) -> Collector:
    survey, cursor = str(config["survey_id"]), str(config.get("cursor") or "")
    plan, base = read_plan(config, survey), str(config.get("qualtrics_url") or "")
    return Qualtrics(survey, plan, str(config["token_file"]), str(config["datacenter"]), base, http=http, cursor=cursor)


def _surveymonkey(config: Config, http: Http) -> Collector:
    survey, url = str(config["survey_id"]), _url(config, "surveymonkey_url", SURVEYMONKEY)
    plan, cursor = read_plan(config, survey), str(config.get("cursor") or "")
    return SurveyMonkey(survey, plan, str(config["token_file"]), url, http=http, cursor=cursor)


def _play_bucket(config: Config, http: Http) -> Collector:
    url = _url(config, "storage_url", STORAGE)
    return PlayConsoleBucket(str(config["app_id"]), str(config["bucket"]), str(config["key_file"]), url, http=http)


def _file(config: Config, http: Http) -> Collector:
    return FileSource.from_config(config)


def _url(config: Config, name: str, default: str) -> str:
    return str(config.get(name) or default)


_APPLE = ("app_store_url", ITUNES)
_GOOGLE = ("google_play_url", PLAY)

KINDS: dict[str, SourceKind] = {
    kind.kind: kind
    for kind in (
        SourceKind(
            "app_store_feed",
            "app_store",
            60,
            ("verbatims",),
            "Avis App Store",
            "App Store reviews",
            ("app_id", "storefront"),
            _feed,
            *_APPLE,
        ),
        SourceKind(
            "app_store_lookup",
            "app_store",
            360,
            ("ratings", "releases"),
            "Note et versions App Store",
            "App Store rating and releases",
            ("app_id", "storefront"),
            _lookup,
            *_APPLE,
        ),
        SourceKind(
            "google_play",
            "google_play",
            60,
            ("verbatims",),
            "Avis Google Play",
            "Google Play reviews",
            ("app_id", "lang"),
            _play,
            *_GOOGLE,
        ),
        SourceKind(
            "google_play_details",
            "google_play",
            360,
            ("ratings", "releases"),
            "Note et versions Google Play",
            "Google Play rating and releases",
            ("app_id",),
            _details,
            *_GOOGLE,
        ),
        # Its review ids are not the feed's: with both on for one storefront, each review counts twice.
        SourceKind(
            "app_store_connect",
            "app_store",
            60,
            ("verbatims", "releases"),
            "Avis App Store Connect",
            "App Store Connect reviews",
            ("app_id", "key_id", "key_file"),
            _connect,
            "app_store_connect_url",
            CONNECT,
        ),
        SourceKind(
            "google_play_api",
            "google_play",
            60,
            ("verbatims",),
            "Avis Google Play (Developer API)",
            "Google Play reviews (Developer API)",
            ("app_id", "key_file"),
            _play_api,
            "android_publisher_url",
            ANDROID_PUBLISHER,
            identity="google_play",
        ),
        SourceKind(
            "google_play_tracks",
            "google_play",
            360,
            ("releases",),
            "Versions Google Play et leur déploiement",
            "Google Play releases and their rollout",
            ("app_id", "key_file"),
            _play_tracks,
            "android_publisher_url",
            ANDROID_PUBLISHER,
        ),
        SourceKind(
            "play_console_csv",
            "google_play",
            1440,
            ("verbatims", "ratings"),
            "Exports de la Play Console",
            "Play Console exports",
            ("app_id", "folder"),
            _play_csv,
            identity="google_play",
            late=True,
        ),
        SourceKind(
            "play_console_bucket",
            "google_play",
            1440,
            ("verbatims", "ratings"),
            "Exports de la Play Console (bucket)",
            "Play Console exports (bucket)",
            ("app_id", "bucket", "key_file"),
            _play_bucket,
            "storage_url",
            STORAGE,
            identity="google_play",
            late=True,
        ),
        SourceKind(
            "typeform",
            "survey",
            60,
            ("verbatims",),
            "Enquête Typeform",
            "Typeform survey",
            ("survey_id", "questions", "token_file"),
            _typeform,
            "typeform_url",
            TYPEFORM,
            late=True,
            identity="survey",
            scheme="typeform",
            on_hook=read_typeform_hook,
        ),
        *(SourceKind(**told) for told in CRASH_KINDS),
        *(SourceKind(**told) for told in TICKET_KINDS),
        SourceKind(
            "qualtrics",
            "survey",
            60,
            ("verbatims",),
            "Enquête Qualtrics",
            "Qualtrics survey",
            ("survey_id", "questions", "token_file", "datacenter"),
            _qualtrics,
            late=True,
            identity="survey",
        ),
        SourceKind(
            "surveymonkey",
            "survey",
            60,
            ("verbatims",),
            "Enquête SurveyMonkey",
            "SurveyMonkey survey",
            ("survey_id", "questions", "token_file"),
            _surveymonkey,
            "surveymonkey_url",
            SURVEYMONKEY,
            late=True,
            identity="survey",
        ),
        SourceKind("file", "file", 0, ("verbatims",), "Fichier d’avis", "File of reviews", ("path",), _file),
    )
}


def identity_of(kind: str, config: Config) -> str:
    """The kind whose external ids a source shares: a file's own setting, that of its kind, else its own."""
    known = KINDS.get(kind)
    return str(config.get("identity") or (known and known.identity) or kind)


def build(kind: str, config: Config, http: Http) -> Collector:
    """Build the collector of a source from its settings.

    Raises SourceError(refused), with a sentence, for a kind that is not known, a missing or an impossible setting.
    """
    known = KINDS.get(kind)
    if known is None:
        raise SourceError(f"There is no kind of source named {kind!r}; known are {', '.join(KINDS)}.", "refused")
    if missing := [name for name in known.needs if not config.get(name)]:
        raise SourceError(f"The source {known.label_en!r} lacks its setting {' and '.join(missing)}.", "refused")
    try:
        return known.builder(config, http)
    except ValueError as error:
        raise SourceError(f"The source {known.label_en!r} cannot be built: {error}.", "refused") from error


_PEOPLE = ("wave", "email_field", "customer_field", "respondent_field", "segment_field", "version_field")

MAY: dict[str, tuple[str, ...]] = {
    "google_play": ("gl",),
    "google_play_details": ("lang", "gl"),
    "app_store_connect": ("issuer_id", "territories"),
    "typeform": _PEOPLE,
    "qualtrics": _PEOPLE,
    "surveymonkey": _PEOPLE,
    "crashlytics_bigquery": ("dataset", "sessions_dataset", "days", "max_gigabytes", "preferred"),
    "crashlytics_files": ("app_id", "preferred"),
    "crashlytics_api": ("days", "preferred"),
    "play_vitals": ("versions", "days", "preferred"),
    "sentry": ("environment", "days", "preferred"),
    "zendesk": ("email", "brand", "version_field", "days"),
    "intercom": ("days",),
    "zoho_desk": ("days",),
}
"""What a kind may be told beside what it needs, in the order that a form asks it.

Addresses are not among them: who adds a source over the network must not choose which server is called.
"""
