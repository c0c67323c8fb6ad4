"""The first visit: the link that `cocoon up` prints makes the admin, once; then the door is closed to strangers."""

import json
import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from tests.service.conftest import Cocoon

FORM = {"email": "claire@banque.example", "name": "Claire", "password": "une phrase assez longue"}


def test_the_printed_link_makes_the_admin_and_lets_nobody_else_in(cocoon: Cocoon) -> None:
    cocoon.environment["COCOON_SIGN_IN"] = "yes"
    process = cocoon.start("up")
    assert process.stdout is not None
    link = next(found[1] for line in process.stdout if (found := re.search(r"Open +(http\S+/welcome/\S+)", line)))
    assert cocoon.get("/api/v1/apps")[0] == 401
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    browser.addheaders = [("Origin", cocoon.base)]
    with browser.open(link, urllib.parse.urlencode(FORM).encode(), timeout=30) as page:
        assert page.url == f"{cocoon.base}/"
        assert "Claire" in page.read().decode()
    with browser.open(f"{cocoon.base}/api/v1/apps", timeout=10) as answer:
        assert json.loads(answer.read())["items"] == []
    assert cocoon.get("/api/v1/apps")[0] == 401
    assert cocoon.get(urllib.parse.urlsplit(link).path)[0] == 404
    again = cocoon.run("person", "link")
    assert again.returncode == 1
    assert "cocoon person link EMAIL" in again.stderr
    lost = cocoon.run("person", "link", FORM["email"])
    assert cocoon.get(urllib.parse.urlsplit(lost.stdout.strip()).path)[0] == 200
    assert [each["role"] for each in json.loads(cocoon.run("person", "list", "--json").stdout)] == ["admin"]


def test_sign_in_cannot_be_switched_off_where_others_can_come(cocoon: Cocoon) -> None:
    cocoon.environment |= {"COCOON_SIGN_IN": "no", "COCOON_HOST": "0.0.0.0"}
    done = cocoon.run("up")
    assert done.returncode == 1
    assert "COCOON_SIGN_IN" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
