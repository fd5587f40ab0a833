"""Text becomes code nowhere in a reader's page: what Trusted Types refuse, and what they let the site's own scripts do."""

import pytest

from tests.factories import make_category, make_concept

pytestmark = pytest.mark.django_db(transaction=True)

DOORS = {
    "a timer": "() => { try { setTimeout('1'); return 'done' } catch (e) { return e.name } }",
    "text of a script": "() => { try { document.createElement('script').text = '1'; return 'done' } catch (e) { return e.name } }",
    "address of a script": "() => { try { document.createElement('script').src = '/x.js'; return 'done' } catch (e) { return e.name } }",
    "a worker": "() => { try { new Worker('/x.js'); return 'done' } catch (e) { return e.name } }",
    "another policy": "() => { try { trustedTypes.createPolicy('mine', {}); return 'done' } catch (e) { return e.name } }",
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_text_becomes_no_code(page, page_problems, live_server, door):
    page.goto(f"{live_server.url}/about/")

    assert page.evaluate(door) in {"TypeError", "EvalError"}
    page_problems.clear()  # the browser reports what it refused


def test_what_markup_brings_along_does_not_run(page, page_problems, live_server):
    page.goto(f"{live_server.url}/about/")
    page.evaluate("() => { document.getElementById('status').innerHTML = '<img src=/x onerror=\"window.ran = 1\">' }")
    page.wait_for_timeout(300)

    assert page.evaluate("window.ran") is None
    page_problems.clear()


def test_htmx_suggestions_and_explanations_go_on(page, live_server):
    make_category(ingredients=[make_concept(name="Exosomes", slug="exosomes", body="It is a small thing.")])
    page.goto(f"{live_server.url}/check/")
    page.locator("textarea").fill("Our exosomes make you young.")
    page.locator(".check-form button").first.click()
    page.locator("#result h2").first.wait_for()
    page.locator("#header-q").fill("exos")
    page.locator("[role=option]").first.wait_for()

    assert "trusted-types default" in page.request.get(f"{live_server.url}/").headers["content-security-policy"]
