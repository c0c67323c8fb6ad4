"""The help desks: how each source is built from its settings, its rhythm and its names."""

from collections.abc import Mapping
from typing import Any

from collectors.base import Collector
from collectors.http import Http
from collectors.intercom import Intercom, read_intercom_hook
from collectors.zendesk import Zendesk
from collectors.zendesk_format import read_zendesk_hook
from collectors.zoho_desk import ZohoDesk

Config = Mapping[str, Any]


def zendesk(config: Config, http: Http) -> Collector:
    """Settings subdomain, token_file; optional email, brand, version_field, days."""
    return Zendesk(
        str(config["subdomain"]),
        str(config["token_file"]),
        str(config.get("email") or ""),
        str(config.get("zendesk_url") or ""),
        http=http,
        cursor=str(config.get("cursor") or ""),
        days=int(config.get("days") or 365),
        brand=str(config.get("brand") or ""),
        version_field=str(config.get("version_field") or ""),
    )


def intercom(config: Config, http: Http) -> Collector:
    """Settings token_file, region (us, eu, au); optional days."""
    return Intercom(
        str(config["token_file"]),
        str(config["region"]),
        str(config.get("intercom_url") or ""),
        http=http,
        cursor=str(config.get("cursor") or ""),
        days=int(config.get("days") or 365),
    )


def zoho_desk(config: Config, http: Http) -> Collector:
    """Settings org_id, region (eu, com, in…), key_file; optional days."""
    return ZohoDesk(
        str(config["org_id"]),
        str(config["key_file"]),
        str(config["region"]),
        str(config.get("zoho_desk_url") or ""),
        str(config.get("zoho_accounts_url") or ""),
        http=http,
        cursor=str(config.get("cursor") or ""),
        days=int(config.get("days") or 365),
    )


TICKET_KINDS: tuple[dict[str, Any], ...] = (
    {
        "kind": "zendesk",
        "channel": "zendesk",
        "minutes": 15,
        "brings": ("verbatims",),
        "label_fr": "Tickets Zendesk",
        "label_en": "Zendesk tickets",
        "needs": ("subdomain", "token_file"),
        "builder": zendesk,
        "scheme": "zendesk",
        "on_hook": read_zendesk_hook,
    },
    {
        "kind": "intercom",
        "channel": "intercom",
        "minutes": 15,
        "brings": ("verbatims",),
        "label_fr": "Conversations Intercom",
        "label_en": "Intercom conversations",
        "needs": ("token_file", "region"),
        "builder": intercom,
        "scheme": "intercom",
        "on_hook": read_intercom_hook,
    },
    {
        "kind": "zoho_desk",
        "channel": "zoho_desk",
        "minutes": 15,
        "brings": ("verbatims",),
        "label_fr": "Tickets Zoho Desk",
        "label_en": "Zoho Desk tickets",
        "needs": ("org_id", "region", "key_file"),
        "builder": zoho_desk,
    },
)
