"""What goes wrong is said in words, takes nothing away, and whatever comes from outside stays text."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Route, expect

from tests.browser.conftest import Open, Watch, wait_drawn
from tests.browser.page import EVIL, VIEWS, problem


def test_no_text_and_too_much_text_are_said_before_anything_is_sent(open_page: Open) -> None:
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    for text, words in (("", "There is no text"), (" \n ", "There is no text"), ("x" * 300_000, "at most")):
        page.locator("#text").fill(text)
        page.get_by_role("button", name="Look").click()
        expect(page.locator("#ask-warning")).to_contain_text(words)
    assert sent == []
    expect(page.locator("#strip .chip")).to_have_count(15)
    expect(page.locator("#before")).to_have_text("These are the results of the text before.")
    page.locator("#text").fill("fine")
    expect(page.locator("#ask-warning")).to_have_text("")


def test_results_of_the_text_before_are_dim_until_it_is_run_or_taken_back(open_page: Open) -> None:
    page = open_page()
    first = page.locator("#text").input_value()
    note = page.locator(".example-note")
    expect(note).not_to_be_empty()
    page.locator("#text").fill("Another text")
    expect(page.locator("#before")).to_be_visible()
    expect(note).to_be_empty()
    for part in ("#strip", "#bench"):
        expect(page.locator(part)).to_have_css("opacity", "0.45")
    page.locator("#text").fill(first)
    expect(page.locator("#before")).to_be_hidden()
    expect(note).not_to_be_empty()
    page.locator("#text").fill("Another text")
    page.keyboard.press("Enter")
    expect(page.locator("#strip .chip")).to_have_count(4)
    expect(page.locator("#before")).to_be_hidden()
    expect(page.locator("#bench")).to_have_css("opacity", "1")
    expect(note).to_be_empty()


def test_a_model_that_cannot_be_had_offers_those_that_can(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 404")
    page = open_page()
    page.route("**/api/models/load", problem(404, "model-not-found"))
    page.locator("#model").fill("no/such-model")
    page.keyboard.press("Enter")
    actions = page.locator(".problem-actions")
    expect(actions.get_by_role("button", name="minilm", exact=True)).to_be_visible()
    expect(actions.get_by_role("button", name="Try again")).to_have_count(0)
    expect(page.locator("#before")).to_be_visible()
    assert "such-model" not in page.url
    page.locator("#model").fill("")
    page.keyboard.press("Enter")
    expect(page.locator("#model")).to_have_value("minilm")
    expect(page.locator(".problem")).to_have_count(0)
    expect(page.locator("#before")).to_be_hidden()
    page.locator("#model").fill("MiniLM")
    page.keyboard.press("Enter")
    expect(page.locator("#model")).to_have_value("minilm")


def test_more_tokens_than_the_model_takes(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 422")
    page = open_page()
    text = "word " * 3000
    page.locator("#text").fill(text)
    page.get_by_role("button", name="Look").click()
    expect(page.locator(".problem-title")).to_have_text("The text is too long")
    expect(page.locator(".problem-hint")).not_to_be_empty()
    expect(page.locator("#text")).to_have_value(text)
    expect(page.locator("#bench")).to_have_js_property("inert", True)
    page.locator("#text").fill("Short again")
    page.keyboard.press("Enter")
    expect(page.locator("#strip .chip")).to_have_count(4)
    expect(page.locator(".problem")).to_have_count(0)
    expect(page.locator("#bench")).to_have_js_property("inert", False)


def test_a_run_that_expired_is_posted_again_unseen(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 404")
    page = open_page("/?view=map&layer=3&head=1&query=9")
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.route("**/attention?*", problem(404, "run-expired"), times=1)
    page.get_by_role("button", name="Next head").click()
    expect(page.locator("#aside .where")).to_have_text("layer 3, head 2")
    assert [url.split("/api/")[1] for url in posted] == ["runs"]
    expect(page.locator(".problem")).to_have_count(0)


def test_a_long_run_can_be_stopped(open_page: Open) -> None:
    page = open_page()
    waiting: list[Route] = []
    page.route("**/api/runs", lambda route: waiting.append(route))
    page.locator("#text").fill("Stop me")
    page.keyboard.press("Enter")
    expect(page.locator("#busy")).to_contain_text("Running the model")
    page.locator("#busy").get_by_role("button", name="Stop").click()
    expect(page.locator(".problem.notice .problem-title")).to_have_text("Stopped")
    expect(page.locator("#busy")).to_be_hidden()
    assert len(waiting) == 1
    page.unroute_all(behavior="ignoreErrors")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#strip .chip")).to_have_count(4)


def test_a_server_that_is_gone_loses_nothing(open_page: Open, watch: Watch) -> None:
    watch.expected.append("ERR_CONNECTION")
    page = open_page()
    page.route("**/api/**", lambda route: route.abort("connectionrefused"))
    page.locator("#text").fill("Still here")
    page.keyboard.press("Enter")
    expect(page.locator(".problem-title")).to_have_text("The server does not answer")
    page.unroute("**/api/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#strip .chip")).to_have_count(4)
    expect(page.locator("#text")).to_have_value("Still here")


def test_of_two_texts_the_last_one_wins(open_page: Open) -> None:
    page = open_page()
    page.route("**/api/runs", lambda route: (page.wait_for_timeout(400), route.continue_()), times=1)
    page.locator("#text").fill("The first and much longer text")
    page.keyboard.press("Enter")
    page.locator("#text").fill("Second")
    page.keyboard.press("Enter")
    expect(page.locator("#strip .chip")).to_have_count(3)
    page.wait_for_timeout(600)
    expect(page.locator("#strip .chip")).to_have_count(3)
    expect(page.locator(".problem")).to_have_count(0)


def test_foreign_text_stays_text(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 4")

    def evil_names(context: BrowserContext) -> None:
        def models(route: Route) -> None:
            body = route.fetch().json()
            body["models"][1]["name"] = EVIL
            route.fulfill(json=body)

        context.route("**/api/models", models)

    page = open_page(f"/#text={EVIL.replace('&', '%26')}&pair={EVIL}", before=evil_names)
    expect(page.locator("#strip")).to_contain_text("onerror")
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        wait_drawn(page)
    page.locator("#tab-tokens").click()
    expect(page.locator(".tokens-text").first).to_have_text(EVIL)
    page.locator("#model").click()
    expect(page.locator(".picker-list")).to_contain_text(EVIL)
    page.locator("#model").fill(EVIL)
    expect(page.locator(".picker-list")).to_contain_text(EVIL)
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_be_visible()
    page.route("**/api/runs", problem(422, "text-invalid", EVIL))
    page.locator("#model").fill("minilm")
    page.keyboard.press("Enter")
    page.locator("#text").fill("other")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_contain_text(EVIL)
    assert page.locator("img").count() == 0
    assert "owned" not in page.title()
