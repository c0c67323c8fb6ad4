"""The kinds of source that bring crashes: how each is built from its settings, its rhythm and its names."""

from collections.abc import Mapping
from typing import Any

from collectors.base import Collector
from collectors.bigquery import BIGQUERY
from collectors.crashlytics_bigquery import CrashlyticsBigQuery
from collectors.http import Http

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
)
"""What `collectors.registry` makes its lines from."""
