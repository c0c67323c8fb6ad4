"""An App Store listing: a number and a storefront, checked alike by the feed and the lookup."""

import pytest

from collectors.app_store import AppStoreFeed
from collectors.app_store_lookup import AppStoreLookup
from collectors.http import Http

BOTH = pytest.mark.parametrize("source", [AppStoreFeed, AppStoreLookup])


@BOTH
def test_a_storefront_is_kept_in_lower_case(source: type[AppStoreFeed | AppStoreLookup], http: Http) -> None:
    made = source("1533526463", "FR", http=http)
    assert (made.app_id, made.storefront) == ("1533526463", "fr")


@BOTH
@pytest.mark.parametrize(("app_id", "storefront", "said"), [("id15", "fr", "a number"), ("15", "fra", "two letters")])
def test_what_cannot_be_a_listing_is_refused(
    source: type[AppStoreFeed | AppStoreLookup], http: Http, app_id: str, storefront: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        source(app_id, storefront, http=http)
