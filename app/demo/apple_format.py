"""What Apple's public feeds and its lookup API answer, in their own words.

Source: recorded answers of itunes.apple.com, 2020 to 2026 (customer reviews RSS as JSON and XML, lookup API).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from xml.sax.saxutils import escape, quoteattr

from app.demo.facts import RatingCount, Release, Review

PAGE = 50
PAGES = 10
# The feed's own links point to a host of Apple's that nobody outside can reach, and to xml even from json.
_INTERNAL = "https://mzstoreservices-int-st.itunes.apple.com"
_PACIFIC = timezone(timedelta(hours=-7))


@dataclass(frozen=True)
class FeedPage:
    """One page of a storefront's feed: at most 50 reviews, and how many pages there are (at least 1)."""

    app_id: int
    storefront: str
    path: str
    page: int
    last: int
    reviews: Sequence[tuple[datetime, Review]]
    now: datetime
    known: bool = True

    def links(self) -> list[dict[str, str]]:
        """The feed's links, with the quirks of the real one. An unknown app has no `self`."""
        base = f"{_INTERNAL}/{self.storefront}/rss/customerreviews"
        tail = f"id={self.app_id}/sortby=mostrecent/xml?urlDesc=/{self.path}"
        genre = "https://music.apple.com/WebObjects/MZStore.woa/wa/viewGrouping"
        links = [{"rel": "alternate", "type": "text/html", "href": f"{genre}?cc={self.storefront}&id=130"}]
        if self.known:
            links.append({"rel": "self", "href": f"{_INTERNAL}/{self.storefront}/rss/{self.path}"})
        for rel, page in (
            ("first", 1),
            ("last", self.last),
            ("previous", max(1, self.page - 1)),
            ("next", min(self.last, self.page + 1)),
        ):
            links.append({"rel": rel, "href": f"{base}/page={page}/{tail}"})
        return links

    def as_json(self) -> bytes:
        """The JSON form: one entry is an object, none is no key at all, numbers are strings."""
        feed: dict[str, object] = {
            "author": {"name": {"label": "iTunes Store"}, "uri": {"label": "http://www.apple.com/fr/itunes/"}}
        }
        entries = [self._entry(shown, review) for shown, review in self.reviews]
        if entries:
            feed["entry"] = entries[0] if len(entries) == 1 else entries
        feed |= {
            "updated": {"label": _pacific(self.now)},
            "rights": {"label": "Copyright 2008 Apple Inc."},
            "title": {"label": "iTunes Store: Customer Reviews"},
            "icon": {"label": "http://itunes.apple.com/favicon.ico"},
            "link": [{"attributes": link} for link in self.links()],
            "id": {"label": f"{_INTERNAL}/{self.storefront}/rss/{self.path}"},
        }
        return json.dumps({"feed": feed}, ensure_ascii=False).encode()

    def _entry(self, shown: datetime, review: Review) -> dict[str, object]:
        term = "Application"
        return {
            "author": {
                "uri": {"label": _author_uri(review)},
                "name": {"label": review.author},
                "label": "",
            },
            "updated": {"label": _pacific(shown)},
            "im:rating": {"label": str(review.stars)},
            "im:version": {"label": review.version or ""},
            "id": {"label": review.id},
            "title": {"label": review.title},
            "content": {"label": review.body, "attributes": {"type": "text"}},
            "link": {"attributes": {"rel": "related", "href": self._review_link()}},
            "im:voteSum": {"label": str(review.thumbs_up)},
            "im:contentType": {"attributes": {"term": term, "label": term}},
            "im:voteCount": {"label": str(review.thumbs_up)},
        }

    def as_xml(self) -> bytes:
        """The Atom form: each entry has a text and an html content."""
        links = "".join(
            "<link " + " ".join(f"{k}={quoteattr(v)}" for k, v in link.items()) + "/>" for link in self.links()
        )
        head = (
            '<?xml version="1.0" encoding="utf-8"?>\n\n    <feed xmlns:im="http://itunes.apple.com/rss" '
            f'xmlns="http://www.w3.org/2005/Atom" xml:lang="{self.storefront}">\n'
            f"        <id>{_INTERNAL}/{self.storefront}/rss/{escape(self.path)}</id>"
            f"<title>iTunes Store: Customer Reviews</title><updated>{_pacific(self.now)}</updated>{links}"
            "<icon>http://itunes.apple.com/favicon.ico</icon><author><name>iTunes Store</name>"
            "<uri>http://www.apple.com/fr/itunes/</uri></author><rights>Copyright 2008 Apple Inc.</rights>\n"
        )
        entries = "".join(self._xml_entry(shown, review) for shown, review in self.reviews)
        return f"{head}{entries}    </feed>\n".encode()

    def _xml_entry(self, shown: datetime, review: Review) -> str:
        html = escape(
            f'<table border="0" width="100%"><tr><td><b>{escape(review.title)}</b><br/>'
            f'<font size="2">{escape(review.body).replace(chr(10), "<br/>")}</font><br/></td></tr></table>'
        )
        return (
            f"<entry>\n<updated>{_pacific(shown)}</updated>\n<id>{review.id}</id>\n<title>{escape(review.title)}</title>\n"
            f'<content type="text">{escape(review.body)}</content>\n'
            '<im:contentType term="Application" label="Application"/>\n'
            f"<im:voteSum>{review.thumbs_up}</im:voteSum>\n<im:voteCount>{review.thumbs_up}</im:voteCount>\n"
            f"<im:rating>{review.stars}</im:rating>\n<im:version>{review.version or ''}</im:version>\n"
            f"<author><name>{escape(review.author)}</name><uri>{_author_uri(review)}</uri></author>\n"
            f'<link rel="related" href={quoteattr(self._review_link())}/>\n<content type="html">{html}</content>\n'
            "</entry>\n"
        )

    def _review_link(self) -> str:
        return f"https://itunes.apple.com/{self.storefront}/review?id={self.app_id}&type=Purple%20Software"


def _author_uri(review: Review) -> str:
    return f"https://itunes.apple.com/{review.storefront}/reviews/id{review.author_id}"


def _pacific(moment: datetime) -> str:
    """Apple's times: to the second, seven hours behind UTC."""
    return moment.astimezone(_PACIFIC).isoformat(timespec="seconds")


def lookup(
    app_id: int, name: str, bundle: str, *, storefront: str, release: Release, rating: RatingCount, first: datetime
) -> bytes:
    """The lookup API's answer for one app in one country; the current version's average equals the overall one."""
    average, count = round(rating.average, 5), rating.count
    french = storefront in {"fr", "be", "ch", "lu", "ca"}
    result = {
        "isGameCenterEnabled": False,
        "supportedDevices": ["iPhone12-iPhone12", "iPhone15-iPhone15"],
        "features": ["iosUniversal"],
        "advisories": [],
        "kind": "software",
        "artistViewUrl": f"https://apps.apple.com/{storefront}/developer/banque-mesange/id1533000041?uo=4",
        "price": 0.0,
        "primaryGenreName": "Finance",
        "primaryGenreId": 6015,
        "trackId": app_id,
        "trackName": name,
        "genreIds": ["6015", "6002"],
        "releaseNotes": release.notes_fr if french else release.notes_en,
        "bundleId": bundle,
        "releaseDate": _zulu(first),
        "isVppDeviceBasedLicensingEnabled": True,
        "sellerName": "Banque Mésange SA",
        "currentVersionReleaseDate": _zulu(release.released_at),
        "version": release.version,
        "wrapperType": "software",
        "currency": "GBP" if storefront == "gb" else "EUR",
        "languageCodesISO2A": ["EN", "FR"],
        "fileSizeBytes": "148930560",
        "formattedPrice": "Gratuit" if french else "Free",
        "userRatingCountForCurrentVersion": count,
        "trackContentRating": "4+",
        "averageUserRatingForCurrentVersion": average,
        "trackCensoredName": name,
        "trackViewUrl": f"https://apps.apple.com/{storefront}/app/banque-mesange/id{app_id}?uo=4",
        "contentAdvisoryRating": "4+",
        "averageUserRating": average,
        "minimumOsVersion": "16.0",
        "artistId": 1533000041,
        "artistName": "Banque Mésange SA",
        "genres": ["Finance", "Utilitaires" if french else "Utilities"],
        "userRatingCount": count,
    }
    return _results([result])


def lookup_unknown() -> bytes:
    """The lookup API's answer for an app it does not know."""
    return _results([])


def _results(results: list[dict[str, object]]) -> bytes:
    body = json.dumps({"resultCount": len(results), "results": results}, ensure_ascii=False, indent=1)
    return f"\n\n\n{body}\n\n\n".encode()


def _zulu(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
