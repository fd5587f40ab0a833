"""The database goes away and comes back, and the server goes on by itself."""

import json
import time

from tests.forms import read_form


def test_stopped_and_started_again(on_postgresql, cluster):
    first = f"/admin/glossary/concept/{on_postgresql.concepts['Concept 1']}/change/"
    with on_postgresql.server() as server:
        assert "Concept 1" in server.ask("/glossary/concept-1/").text
        form = read_form(server.ask(first), "concept_form")
        cluster.stop()
        try:
            kept = server.ask("/glossary/concept-1/")
            assert kept.status == 200
            assert "An older copy." in kept.text

            other = server.ask("/glossary/concept-2/")
            assert other.status == 503
            assert "Our database does not answer" in other.text
            assert 'class="site-header"' in other.text
            assert other.headers["retry-after"] == "10"
            assert other.headers["x-request-id"] in other.text

            program = server.ask("/api/concepts")
            assert program.status == 503
            assert program.headers["content-type"] == "application/problem+json"

            unsaved = server.ask(first, form | {"summary": "Words that must not go.", "_save": "1"})
            assert unsaved.status == 503
            assert "Words that must not go." in unsaved.text

            assert json.loads(server.ask("/readyz").text)["missing"] == ["database: no answer"]
            assert server.ask("/healthz").status == 200
        finally:
            cluster.start()
        page = server.until("/glossary/concept-2/", 200)
        assert "An older copy." not in page.text
        assert server.until("/readyz", 200)
        assert server.ask(first, form | {"summary": "Saved.", "change_reason": "x", "_save": "1"}).status == 302
        assert "Traceback" not in server.log.read_text()


def test_a_database_that_takes_connections_and_says_nothing(on_postgresql, cluster):
    with on_postgresql.server(DATABASE_TIMEOUT="1") as server:
        assert server.ask("/glossary/concept-1/").status == 200
        assert server.ask("/readyz").status == 200
        with cluster.frozen():
            for address in ("/readyz", "/glossary/concept-2/"):
                started = time.monotonic()
                assert server.ask(address).status == 503
                assert time.monotonic() - started < 25  # it would wait for ever
            assert server.ask("/healthz").status == 200
            assert "An older copy." in server.ask("/glossary/concept-1/").text
        assert server.until("/glossary/concept-2/", 200)
        assert server.until("/readyz", 200)


def test_a_query_that_takes_too_long_is_given_up(on_postgresql, cluster):
    name = on_postgresql.env["DATABASE_URL"].rpartition("/")[2]
    with on_postgresql.server(DATABASE_TIMEOUT="1") as server:
        assert server.ask("/glossary/").status == 200
        # Held by somebody else: nobody can read the table until that ends.
        with cluster.connect(name) as other:
            other.execute("BEGIN")
            other.execute("LOCK TABLE glossary_concept IN ACCESS EXCLUSIVE MODE")
            answer = server.ask("/glossary/concept-2/")
            assert answer.status == 503
            assert "Our database is busy" in answer.text
            other.execute("ROLLBACK")
        assert server.until("/glossary/concept-2/", 200)
