"""Coming in as people do: the one-time link, the account, out, in again, a wrong password, too many of them."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine

from app import people
from app.db import transaction
from app.throttle import PER_ACCOUNT
from tests.browser.conftest import SCREENS, serving
from tests.browser.test_browser import LOOKS, looking
from tests.conftest import copied_database

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CLAIRE = "claire@banque.example"
PHRASE = "une phrase assez longue"


@pytest.fixture(scope="module")
def door(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a new installation that asks who comes, and its one-time link."""
    with copied_database(server_url) as url:
        engine = create_engine(url, connect_args={"options": "-c timezone=UTC"})
        with transaction(engine) as session:
            secret = people.invite(session, "", "admin", by="tests")
        with serving(engine, tmp_path_factory.mktemp("door"), sign_in=True) as base:
            yield base, f"{base}/welcome/{secret}"
        engine.dispose()


def enter(page: Page, password: str) -> None:
    page.get_by_label("Adresse e-mail").fill(CLAIRE)
    page.get_by_label("Mot de passe").fill(password)
    page.get_by_role("main").get_by_role("button", name="Entrer").click()


def sound(page: Page, name: str, faults: list[str]) -> None:
    """The page in light, dark and at 400 px: axe finds nothing, nothing sticks out."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for look, how in LOOKS.items():
        page.set_viewport_size(how["viewport"])
        page.emulate_media(color_scheme=how["color_scheme"])
        page.screenshot(path=SCREENS / f"{name}-{look}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults += [f"{name} {look} scrolls sideways by {wide} px"] if wide > 0 else []
        found = Axe().run(page)
        faults += [f"{name} {look}: {found.generate_report()}"] if found.violations_count else []
    page.set_viewport_size(LOOKS["light"]["viewport"])
    page.emulate_media(color_scheme="light")


def test_from_the_one_time_link_to_too_many_tries(browser: Browser, door: tuple[str, str]) -> None:
    base, link = door
    faults: list[str] = []
    with looking(browser, **LOOKS["light"]) as (page, complaints):
        page.goto(f"{base}/incidents")
        assert page.url == f"{base}/login?back=%2Fincidents"
        expect(page.get_by_text("Personne n’a encore de compte ici.")).to_be_visible()
        expect(page.get_by_label("Mot de passe")).to_have_count(0)  # nobody could use it
        sound(page, "login-first", faults)

        page.goto(link)
        sound(page, "welcome", faults)
        page.get_by_label("Adresse e-mail").fill(CLAIRE)
        page.get_by_label("Nom, tel que les autres le verront").fill("Claire Martin")
        page.get_by_label("Nouveau mot de passe").fill(PHRASE)
        page.get_by_role("button", name="Entrer dans Cocoon").click()
        page.wait_for_url(f"{base}/")
        expect(page.locator("h1")).to_have_text("Aucune application n’est encore suivie.")
        expect(page.get_by_role("listitem").filter(has_text="Ajouter une application")).to_be_visible()

        for path, name in (("/settings/people", "people"), ("/settings/keys", "keys"), ("/account", "account")):
            page.goto(base + path)
            sound(page, f"in-{name}", faults)
        expect(page.locator("h1")).to_have_text("Claire Martin")
        expect(page.get_by_role("main")).not_to_contain_text("Mozilla")
        page.goto(link)
        expect(page.locator("h1")).to_have_text(re.compile("lien"))  # it works once
        page.goto(base)
        page.get_by_role("button", name="Quitter").click()
        page.wait_for_url(f"{base}/login")

        page.goto(f"{base}/incidents")
        enter(page, "pas le bon mot de passe")
        expect(page.get_by_role("alert")).to_have_text(re.compile("ne vont pas ensemble"))
        expect(page.get_by_label("Adresse e-mail")).to_have_value(CLAIRE)
        expect(page.get_by_label("Mot de passe")).to_have_value("")
        sound(page, "login-refused", faults)
        enter(page, PHRASE)
        page.wait_for_url(f"{base}/incidents")  # back to what was asked for
        page.get_by_role("button", name="Quitter").click()

        for _ in range(PER_ACCOUNT + 1):
            enter(page, "encore un autre essai")
        expect(page.get_by_role("alert").first).to_have_text(re.compile(r"dans \d+ minutes?"))
        enter(page, PHRASE)
        expect(page.get_by_role("alert").first).to_have_text(re.compile(r"dans \d+ minutes?"))
        sound(page, "login-held-off", faults)
        assert not faults, "\n".join(faults)
        assert [text for text in complaints if not re.search(r"status of (401|404|429)", text)] == []
