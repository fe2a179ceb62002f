"""The report page of the smoke study in a real browser, opened from disk as a reader does."""

import os
import shutil

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from sgdphysics.claims.outcomes import VERDICTS

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NAMES = "elements => elements.filter(element => !element.hidden).map(element => element.id.slice(6))"


@pytest.fixture(scope="module")
def report(smoke_study):
    return smoke_study[0] / "results" / "smoke" / "report" / "index.html"


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        path = path or playwright.chromium.executable_path
        if not os.path.exists(path):  # noqa: PTH110 (a text)
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no Chromium is installed: the page cannot be opened")
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, report):
    """Open the page; after the test, nothing may have been asked of a network, and no error printed."""
    contexts, faults = [], []

    def open_it(size=DESK, address="", **settings):
        contexts.append(browser.new_context(viewport=size, reduced_motion="reduce", **settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or faults.append(request.url))
        page.goto(report.as_uri() + address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def ledger(report):
    return pd.read_csv(report.parents[1] / "claims.csv").set_index("claim")


def shown(page):
    return page.locator("#claims > tbody").evaluate_all(NAMES)


def test_every_claim_is_there_with_its_verdict(open_page, ledger):
    page = open_page()
    assert shown(page) == list(ledger.index)
    assert page.locator("#claims .claim .verdict").all_inner_texts() == list(ledger["verdict"])


def test_the_table_sorts_by_every_column(open_page, ledger):
    page = open_page()
    columns = {"Claim": list(ledger.index), "Verdict": ledger["verdict"].map(VERDICTS.index), "First test": ledger["value"]}
    for name, values in columns.items():
        order = pd.Series(list(values), index=ledger.index).sort_values(kind="stable", na_position="last")
        header = page.locator("#claims > thead").get_by_role("columnheader", name=name, exact=True)
        header.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(header).to_have_attribute("aria-sort", "ascending")
        assert shown(page) == list(order.index)
        page.keyboard.press("Enter")
        expect(header).to_have_attribute("aria-sort", "descending")
        backwards = pd.Series(list(values), index=ledger.index).sort_values(ascending=False, kind="stable", na_position="first")
        assert shown(page) == list(backwards.index)
        assert page.locator("#claims > thead th[aria-sort]").count() == 1


def test_the_table_filters_and_says_how_many_are_left(open_page, ledger):
    page = open_page()
    count = page.locator("#shown")
    expect(count).to_have_text(f"{len(ledger)} of {len(ledger)} claims shown")
    page.get_by_label("Paper").select_option("yang2023")
    chosen = ledger[ledger["paper"] == "yang2023"]
    assert shown(page) == list(chosen.index)
    expect(count).to_have_text(f"{len(chosen)} of {len(ledger)} claims shown")
    verdict = chosen["verdict"].iloc[0]
    page.get_by_role("search").get_by_label("Verdict").select_option(verdict)
    assert shown(page) == list(chosen.index[chosen["verdict"] == verdict])
    page.get_by_label("Paper").select_option("")
    page.get_by_role("search").get_by_label("Verdict").select_option("")
    page.get_by_label("Search").fill("sooner WALKERS come")
    assert shown(page) == ["noise_speeds_flat"]
    page.get_by_label("Search").fill("nothing has this name")
    expect(count).to_have_text(f"0 of {len(ledger)} claims shown")


def test_rows_open_and_close_by_keyboard(open_page, report):
    page = open_page()
    button = page.locator("#claim-low_dimension th button").first
    detail = page.locator("#tests-low_dimension")
    expect(detail).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.focus()
    page.keyboard.press("Enter")
    expect(detail).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    tests = pd.read_csv(report.parents[1] / "claim_tests.csv")
    own = tests[tests["claim"] == "low_dimension"]
    assert detail.locator("tbody tr").count() == len(own)
    decides = own["outcome"] != "reported"
    assert 0 < decides.sum() < len(own)
    assert detail.locator("tbody .outcome").all_inner_texts() == list(own.loc[decides, "outcome"])
    assert detail.locator(".thumbnail").evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 0
    page.keyboard.press("Space")
    expect(detail).to_be_hidden()


def test_an_address_opens_its_claim(open_page):
    page = open_page(address="#claim-duality_exact")
    expect(page.locator("#tests-duality_exact")).to_be_visible()
    expect(page.locator("#claim-duality_exact")).to_be_in_viewport()


def test_every_figure_loads_and_opens_at_full_size(open_page, report):
    page = open_page(PHONE)
    pictures = page.locator("main figure img")
    assert pictures.count() == len(list(report.parents[3].glob("figures/smoke/*.png"))) > 0
    load = "pictures => Promise.all(pictures.map(picture => picture.decode().then(() => picture.naturalWidth)))"
    widths = pictures.evaluate_all(load)
    assert min(widths) > 0
    assert all(pictures.evaluate_all("pictures => pictures.map(picture => picture.alt.length > 20)"))
    button = page.get_by_role("button", name="Open at full size: feng2021_fig1")
    button.focus()
    page.keyboard.press("Enter")
    full = page.get_by_role("dialog").locator("img")
    assert full.evaluate("picture => picture.getBoundingClientRect().width") == widths[0]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(button).to_be_focused()


def test_the_plane_shows_the_points_that_are_asked_for(open_page, report):
    page = open_page()
    points = pd.read_csv(report.parents[1] / "tables" / "feng2023_points.csv")
    points = points[points["deciding"]]
    drawn = page.locator("#plane-plot .scatterlayer .point")
    for comparison, label in {"equal_epochs": "after equally many epochs", "equal_loss": "at equal training loss"}.items():
        page.get_by_role("radio", name=label).check()
        expect(drawn).to_have_count(len(points[points["point"] == comparison]))
    page.get_by_role("checkbox", name="label noise").uncheck()
    expect(drawn).to_have_count(len(points[(points["point"] == "equal_loss") & (points["sweep"] != "label_noise")]))


def test_the_notebooks_are_beside_the_page(open_page, report):
    links = open_page().locator("section[aria-labelledby=notebooks] a")
    files = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert files == ["feng2021.html", "yang2023.html", "feng2023.html"]
    assert all((report.parent / file).is_file() for file in files)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page_itself_never_scrolls_sideways(open_page, size):
    page = open_page(size)
    for button in page.locator("#claims tbody th button").all():
        button.click()
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_without_scripts_everything_can_be_read(open_page, ledger):
    page = open_page(java_script_enabled=False)
    assert page.locator("#claims .detail").count() == len(ledger)
    for row in (page.locator("#claims .detail").first, page.locator("#claims .detail").last):
        expect(row).to_be_visible()
    expect(page.locator("#filters")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_no_barrier_is_found(open_page, scheme, size):
    page = open_page(size, color_scheme=scheme)
    for name in ("low_dimension", "inverse_variance_flatness"):
        page.locator(f"#claim-{name} th button").first.click()
    for summary in page.locator("summary").all():
        summary.click()
    violations = Axe().run(page).response["violations"]
    serious = [fault for fault in violations if fault["impact"] in ("serious", "critical")]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in serious] == []


def test_the_page_is_one_file_of_bearable_size(report):
    assert report.stat().st_size < 14e6  # of 16 figures
