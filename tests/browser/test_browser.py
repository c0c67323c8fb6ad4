"""Pages as people see them: light, dark, phone; no console error, no breach of the policy, no barrier (axe)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.app.seed import Portfolio
from tests.browser.conftest import SCREENS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1240, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1240, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 400, "height": 800}, "color_scheme": "light", "has_touch": True},
}
TOO_HEAVY = 40_000


@contextmanager
def looking(browser: Browser, **how: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page, and what the browser complained of: console, exceptions, failed or foreign requests."""
    context = browser.new_context(locale=how.pop("locale", "fr-FR"), **how)
    page, complaints = context.new_page(), []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
    )
    yield page, complaints
    context.close()


def paths(portfolio: Portfolio) -> dict[str, str]:
    app, incident, irritant = portfolio.apps[0].id, portfolio.incident, portfolio.irritant
    assert incident is not None
    return {
        "portfolio": "/",
        "app": f"/apps/{app}",
        "app-days": f"/apps/{app}?days=90",
        "versions": f"/apps/{app}/versions",
        "irritants": f"/apps/{app}/irritants",
        "irritant": f"/apps/{app}/irritants/{irritant}",
        "journey": f"/apps/{app}/journey",
        "search": f"/apps/{app}/reviews?q=conecter&label=negative",
        "channels": f"/apps/{app}/channels",
        "reviews": f"/apps/{app}/reviews?stars=1&stars=2&topic=sign_in",
        "incidents": "/incidents",
        "incident": f"/incidents/{incident.id}",
        "sources": f"/apps/{app}/sources",
        "setup": "/setup",
        "new-source": f"/apps/{app}/sources/new",
        "new-source-form": f"/apps/{app}/sources/new?kind=app_store_connect",
        "credentials": "/credentials",
        "topics": "/topics",
        "rules": "/settings/rules",
        "deliveries": "/deliveries",
        "app-settings": f"/settings/apps/{app}",
        "destinations": "/destinations",
        "inbox": "/inbox",
        "settings": "/settings",
        "people": "/settings/people",
        "keys": "/settings/keys",
        "model": "/settings/model",
        "audit": "/settings/audit",
        "nothing": "/apps/424242",
    }


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_sound_and_open_to_all(browser: Browser, site: tuple[str, Portfolio], look: str) -> None:
    base, portfolio = site
    SCREENS.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    for name, path in paths(portfolio).items():
        with looking(browser, **LOOKS[look]) as (page, complaints):
            page.goto(base + path)
            page.screenshot(path=SCREENS / f"{name}-{look}.png", full_page=True)
            faults += [f"{name}: {text}" for text in complaints if name != "nothing" or "404" not in text]
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            faults += [f"{name} scrolls sideways by {wide} px"] if wide > 0 else []
            found = Axe().run(page)
            faults += [f"{name}: {found.generate_report()}"] if found.violations_count else []
    assert not faults, "\n".join(faults)


def test_pages_are_light(browser: Browser, site: tuple[str, Portfolio]) -> None:
    base, portfolio = site
    for name, path in paths(portfolio).items():
        with looking(browser, **LOOKS["light"]) as (page, _):
            sizes: list[int] = []
            page.on("requestfinished", lambda request, sizes=sizes: sizes.append(_wire(request)))
            page.goto(base + path)
            page.wait_for_load_state("load")
            assert len(sizes) <= 3, (name, sizes)
            assert sum(sizes) <= TOO_HEAVY, (name, sizes)


def _wire(request: Any) -> int:
    sizes = request.sizes()
    return int(sizes["responseBodySize"]) + int(sizes["responseHeadersSize"])


def test_the_chart_is_read_by_arrow_keys_and_by_pointer(browser: Browser, site: tuple[str, Portfolio]) -> None:
    base, portfolio = site
    with looking(browser, **LOOKS["light"]) as (page, complaints):
        page.goto(f"{base}/apps/{portfolio.apps[0].id}")
        rows = page.locator("[data-chart] tbody tr")
        last = rows.last.locator("th").text_content() or "?"
        reading, cross = page.locator("[data-reading]"), page.locator(".wide .cross")
        page.locator(".wide").focus()
        page.keyboard.press("ArrowLeft")
        expect(reading).to_contain_text(last)
        expect(cross).to_have_attribute("visibility", "visible")
        page.keyboard.press("Home")
        expect(reading).to_contain_text(rows.first.locator("th").text_content() or "?")
        page.locator(".wide svg").hover()
        expect(reading).not_to_contain_text(rows.first.locator("th").text_content() or "?")
        page.locator(".wide").focus()
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        count = rows.nth(rows.count() - 2).locator("td a").first.text_content() or "?"
        page.keyboard.press("Enter")
        page.wait_for_url("**/reviews?**")
        expect(page.locator("h1")).to_have_text(f"{count} avis")
        assert complaints == []


def test_no_page_needs_javascript(browser: Browser, site: tuple[str, Portfolio]) -> None:
    base, _ = site
    with looking(browser, java_script_enabled=False, **LOOKS["light"]) as (page, complaints):
        page.goto(base)
        page.get_by_role("link", name="Banque Mésange", exact=True).click()
        page.get_by_role("navigation", name="Banque Mésange").get_by_role("link", name="Avis").click()
        page.get_by_label("Chercher").first.fill("empreinte")
        page.get_by_role("button", name="Chercher").click()
        expect(page.locator(".chips")).to_contain_text("empreinte")
        page.get_by_text("Filtrer", exact=True).click()
        page.get_by_label("2 ★").check()
        page.get_by_role("button", name="Appliquer").click()
        assert page.locator(".review").count() > 0
        assert page.locator(".review .stars.st-2").count() == page.locator(".review > .about .stars").count()
        assert complaints == []


def test_language_and_look_are_switched_and_kept(browser: Browser, site: tuple[str, Portfolio]) -> None:
    base, _ = site
    with looking(browser, **LOOKS["light"]) as (page, complaints):
        page.goto(f"{base}/incidents")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="EN", exact=True).click()
        expect(page.locator("h1")).to_have_text("One incident is open.")
        page.get_by_role("button", name="Look").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.locator("body")).not_to_have_css("background-color", paper)
        assert page.url == f"{base}/incidents"
        page.goto(base)
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert complaints == []


def test_an_incident_is_looked_after(browser: Browser, own_site: tuple[str, Portfolio]) -> None:
    base, portfolio = own_site
    assert portfolio.incident is not None
    with looking(browser, **LOOKS["phone"]) as (page, complaints):
        page.goto(f"{base}/incidents/{portfolio.incident.id}")
        page.get_by_role("button", name="Je m’en occupe").click()
        expect(page.get_by_role("status")).to_contain_text("vous vous en occupez")
        expect(page.locator(".timeline").first).to_contain_text("Pris en charge")
        page.get_by_role("link", name="Cocoon").click()
        expect(page.locator("h1")).to_have_text(
            "Rien de neuf\u00a0: un incident est pris en charge ou en silence. Rien n’est encore lu de Mésange Jeunes."
        )
        assert complaints == []


def test_from_the_portfolio_to_a_decision_by_keyboard_alone(browser: Browser, own_site: tuple[str, Portfolio]) -> None:
    base, portfolio = own_site
    assert portfolio.incident is not None
    with looking(browser, **LOOKS["light"]) as (page, complaints):

        def go_by_tab(to: str) -> None:
            """Tab until the focus is on it, seen all the way, then press Enter."""
            for _ in range(150):
                page.keyboard.press("Tab")
                at = page.evaluate(
                    "() => { const e = document.activeElement, s = getComputedStyle(e);"
                    " return [e.getAttribute('href') || e.textContent.trim(), s.outlineStyle]; }"
                )
                assert at[1] != "none", f"the focus is not seen on {at[0]}"
                if at[0] == to:
                    page.keyboard.press("Enter")
                    return
            raise AssertionError(f"no way to {to} by keyboard")

        app, irritant, incident = portfolio.apps[0].id, portfolio.irritant, portfolio.incident.id
        page.goto(base)
        go_by_tab(f"/apps/{app}")
        page.wait_for_url(f"{base}/apps/{app}")
        go_by_tab(f"/apps/{app}/irritants")
        page.wait_for_url(f"{base}/apps/{app}/irritants")
        go_by_tab(f"/apps/{app}/irritants/{irritant}")
        page.wait_for_url(f"{base}/apps/{app}/irritants/{irritant}")
        page.goto(f"{base}/incidents/{incident}")
        go_by_tab("C’est réglé")
        expect(page.get_by_role("status")).to_contain_text("Réglé")
        assert complaints == []


def test_the_comparison_of_versions_is_printed_light_and_without_buttons(
    browser: Browser, site: tuple[str, Portfolio]
) -> None:
    base, portfolio = site
    with looking(browser, **LOOKS["light"] | {"color_scheme": "dark"}) as (page, complaints):
        page.goto(f"{base}/apps/{portfolio.apps[0].id}/versions")
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": 700, "height": 990})  # an A4 page between its margins
        light = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(light) == "rgb(252, 251, 248)"
        for gone in ("nav >> nth=0", ".sub .tabs", "form.pick", "summary >> nth=0", "footer"):
            expect(page.locator(gone)).to_be_hidden()
        expect(page.locator("table.sides")).to_be_visible()
        expect(page.locator(".wide svg").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 700
        assert complaints == []
