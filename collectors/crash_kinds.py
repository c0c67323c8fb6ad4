"""The kinds of source that bring crashes: how each is built from its settings, its rhythm and its names."""

from collections.abc import Mapping
from typing import Any

from collectors.base import Collector
from collectors.bigquery import BIGQUERY
from collectors.crashlytics_api import CRASHLYTICS, CrashlyticsApi
from collectors.crashlytics_bigquery import CrashlyticsBigQuery
from collectors.firebase_alerts import read_firebase_hook
from collectors.http import Http
from collectors.metrickit import read_metrickit_hook
from collectors.play_vitals import PLAY_REPORTING, PlayVitals, setting_of_versions
from collectors.sentry import SENTRY, Sentry
from collectors.told_only import ToldOnly

Config = Mapping[str, Any]


def crashlytics_bigquery(config: Config, http: Http) -> Collector:
    """The live export: settings project, app_id, platform, key_file; optional dataset, days, max_gigabytes…"""
    return CrashlyticsBigQuery(
        str(config["project"]),
        str(config["app_id"]),
        str(config["platform"]),
        str(config["key_file"]),
        url_of(config, "bigquery_url", BIGQUERY),
        http=http,
        dataset=str(config.get("dataset") or "firebase_crashlytics"),
        sessions_dataset=str(config.get("sessions_dataset") or "firebase_sessions"),
        zone=str(config.get("timezone") or "Europe/Paris"),
        days=int(config.get("days") or 90),
        max_gigabytes=float(config.get("max_gigabytes") or 20),
    )


def crashlytics_files(config: Config, http: Http) -> Collector:
    """Exported tables in a folder: settings folder, platform; optional app_id."""
    # DuckDB takes a tenth of a second to load: only where files are read.
    from collectors.crashlytics_files import CrashlyticsFiles

    zone = str(config.get("timezone") or "Europe/Paris")
    return CrashlyticsFiles(str(config["folder"]), zone=zone, bundle=str(config.get("app_id") or ""))


def crashlytics_api(config: Config, http: Http) -> Collector:
    """The REST API: settings firebase_app, key_file; optional days."""
    return CrashlyticsApi(
        str(config["firebase_app"]),
        str(config["key_file"]),
        url_of(config, "crashlytics_url", CRASHLYTICS),
        http=http,
        zone=str(config.get("timezone") or "Europe/Paris"),
        days=int(config.get("days") or 90),
    )


def play_vitals(config: Config, http: Http) -> Collector:
    """Android vitals: settings app_id, key_file; optional days, versions ("700=7.0.0, 710=7.1.0")."""
    return PlayVitals(
        str(config["app_id"]),
        str(config["key_file"]),
        url_of(config, "play_reporting_url", PLAY_REPORTING),
        http=http,
        days=int(config.get("days") or 90),
        versions=setting_of_versions(str(config.get("versions") or "")),
    )


def sentry(config: Config, http: Http) -> Collector:
    """Sentry: settings organization, project, platform, token_file; optional sentry_url, environment, days."""
    return Sentry(
        str(config["organization"]),
        str(config["project"]),
        str(config["token_file"]),
        url_of(config, "sentry_url", SENTRY),
        http=http,
        environment=str(config.get("environment") or ""),
        days=int(config.get("days") or 90),
    )


def metrickit(config: Config, http: Http) -> Collector:
    """MetricKit: told by webhook."""
    return ToldOnly("metrickit", "MetricKit")


def firebase_alerts(config: Config, http: Http) -> Collector:
    """Firebase alerts: told by webhook."""
    return ToldOnly("firebase_alerts", "Firebase alerts")


def url_of(config: Config, name: str, default: str) -> str:
    """The address that a setting names, or the usual one."""
    return str(config.get(name) or default)


CRASH_KINDS: tuple[dict[str, Any], ...] = (
    {
        "kind": "crashlytics_bigquery",
        "channel": "",
        "minutes": 180,
        "brings": ("stability",),
        "label_fr": "Crashlytics (BigQuery)",
        "label_en": "Crashlytics (BigQuery)",
        "needs": ("project", "app_id", "platform", "key_file"),
        "builder": crashlytics_bigquery,
        "url_setting": "bigquery_url",
        "url": BIGQUERY,
    },
    {
        "kind": "crashlytics_files",
        "channel": "",
        "minutes": 1440,
        "brings": ("stability",),
        "label_fr": "Crashlytics (fichiers exportés)",
        "label_en": "Crashlytics (exported files)",
        "needs": ("folder", "platform"),
        "builder": crashlytics_files,
        "late": True,
    },
    {
        "kind": "crashlytics_api",
        "channel": "",
        "minutes": 120,
        "brings": ("stability",),
        "label_fr": "Crashlytics (API)",
        "label_en": "Crashlytics (API)",
        "needs": ("firebase_app", "platform", "key_file"),
        "builder": crashlytics_api,
        "url_setting": "crashlytics_url",
        "url": CRASHLYTICS,
    },
    {
        "kind": "play_vitals",
        "channel": "google_play",
        "minutes": 360,
        "brings": ("stability",),
        "label_fr": "Android vitals (Google Play)",
        "label_en": "Android vitals (Google Play)",
        "needs": ("app_id", "key_file"),
        "builder": play_vitals,
        "url_setting": "play_reporting_url",
        "url": PLAY_REPORTING,
        "late": True,
    },
    {
        "kind": "sentry",
        "channel": "",
        "minutes": 60,
        "brings": ("stability",),
        "label_fr": "Sentry",
        "label_en": "Sentry",
        "needs": ("organization", "project", "platform", "token_file"),
        "builder": sentry,
        "url_setting": "sentry_url",
        "url": SENTRY,
    },
    {
        "kind": "metrickit",
        "channel": "app_store",
        "minutes": 0,
        "brings": ("stability",),
        "label_fr": "MetricKit (iPhone)",
        "label_en": "MetricKit (iPhone)",
        "needs": (),
        "builder": metrickit,
        "scheme": "token",
        "on_hook": read_metrickit_hook,
    },
    {
        "kind": "firebase_alerts",
        "channel": "",
        "minutes": 0,
        "brings": ("stability",),
        "label_fr": "Alertes Firebase",
        "label_en": "Firebase alerts",
        "needs": ("platform",),
        "builder": firebase_alerts,
        "scheme": "token",
        "on_hook": read_firebase_hook,
    },
)
"""What `collectors.registry` makes its lines from."""
