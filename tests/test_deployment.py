"""The site as README deploys it: below a path, behind nginx with TLS, over IPv6, its desk at another address."""

import http.client
import json
import re
import ssl

import pytest

from tests.bench import stage
from tests.deployed import HOST, deployed

PREFIX = "/guide"
LINK = re.compile(
    r"""(?:href|src|action|data-hx-get|data-hx-post|data-suggest|data-compare|data-worker|data-htmx)="(/[^"]*)\""""
)

pytestmark = [
    pytest.mark.one_database,
    pytest.mark.skipif(stage.NGINX is None, reason="found no nginx; install it"),
]


class Visitor:
    """Somebody who comes by https, over IPv6 where `host` says so."""

    def __init__(self, site, host="127.0.0.1"):
        trusting = ssl._create_unverified_context()  # noqa: S323 - the certificate was made for this test
        self.open = lambda: http.client.HTTPSConnection(host, site.https, timeout=30, context=trusting)

    def get(self, path, **headers):
        """(status, headers in lower case, text)."""
        connection = self.open()
        try:
            given = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=given)
            answer = connection.getresponse()
            told = {}
            for name, value in answer.getheaders():
                told[name.lower()] = f"{told[name.lower()]}\n{value}" if name.lower() in told else value
            return answer.status, told, answer.read().decode(errors="replace")
        finally:
            connection.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    settings = {"URL_PREFIX": PREFIX, "ADMIN_PATH": "quiet-word", "CONTACT": "safety@example.org"}
    with deployed(tmp_path_factory.mktemp("deployed"), address="::1", **settings) as site:
        yield site


@pytest.fixture(scope="module")
def visitor(site):
    return Visitor(site)


def test_below_a_path_every_address_on_every_page_stays_below_it_and_answers(visitor):
    waiting, seen = [f"{PREFIX}/"], {f"{PREFIX}/"}
    while waiting:
        address = waiting.pop()
        status, _, text = visitor.get(address)
        # Some pages name entries of the guide that ships, which are not there.
        assert status == 200 or (
            status == 404 and address.startswith((f"{PREFIX}/glossary/", f"{PREFIX}/products/"))
        ), address
        for found in LINK.findall(text):
            found = found.partition("#")[0].replace("&amp;", "&")
            assert found.startswith(f"{PREFIX}/"), f"{found} on {address}"
            # Of lists that can be turned and sorted in many ways, the first.
            if found not in seen and "?" not in found and "/api/" not in found:
                seen.add(found)
                waiting.append(found)

    assert {f"{PREFIX}/glossary/concept-1/", f"{PREFIX}/method/standards/", f"{PREFIX}/offline/"} <= seen
    assert any(address.startswith(f"{PREFIX}/static/js/site.") for address in seen)


def test_below_a_path_manifest_worker_sitemap_and_api_know_of_it(visitor):
    manifest = json.loads(visitor.get(f"{PREFIX}/site.webmanifest")[2])
    assert manifest["scope"] == manifest["start_url"] == f"{PREFIX}/"
    assert f"https://{HOST}{PREFIX}/glossary/concept-1/" in visitor.get(f"{PREFIX}/sitemap.xml")[2]
    assert f"{PREFIX}/api/concepts" in visitor.get(f"{PREFIX}/api/")[2]
    assert f"{PREFIX}/api/concepts" in json.loads(visitor.get(f"{PREFIX}/api/openapi.json")[2])["paths"]
    assert f"Disallow: {PREFIX}/search/" in visitor.get(f"{PREFIX}/robots.txt")[2]
    assert visitor.get("/glossary/")[0] == 404


def test_desk_is_where_the_setting_says_and_nowhere_told(visitor):
    status, headers, text = visitor.get(f"{PREFIX}/quiet-word/login/")

    assert status == 200
    assert 'action="/guide/quiet-word/login/"' in text
    assert headers["cache-control"] == "no-store, private"
    assert headers["x-robots-tag"] == "noindex"
    assert headers["set-cookie"].startswith("__Secure-csrftoken=")
    assert "Path=/guide/; SameSite=Lax; Secure" in headers["set-cookie"]
    assert visitor.get(f"{PREFIX}/admin/login/")[0] == 404
    for public in ("/", "/robots.txt", "/worker.js", "/sitemap.xml"):
        assert "quiet-word" not in visitor.get(PREFIX + public)[2], public


def test_over_https_a_reader_gets_every_header_of_protection_and_no_cookie(visitor):
    status, headers, _ = visitor.get(f"{PREFIX}/glossary/concept-1/")

    assert status == 200
    assert "set-cookie" not in headers
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "require-trusted-types-for 'script'; trusted-types default" in headers["content-security-policy"]
    assert headers["server"] == "nginx"


def test_http_leads_to_https_below_the_path(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=30)
    connection.request("GET", f"{PREFIX}/glossary/?q=x", headers={"Host": HOST})
    answer = connection.getresponse()
    connection.close()

    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}{PREFIX}/glossary/?q=x")


def test_ipv6_reaches_the_site(site):
    assert Visitor(site, "::1").get(f"{PREFIX}/")[0] == 200


def test_static_files_stay_the_same_for_ever_and_come_from_the_cache_compressed(visitor):
    page = visitor.get(f"{PREFIX}/")[2]
    file = next(address for address in LINK.findall(page) if "/static/js/site." in address)
    _, first, _ = visitor.get(file, Accept_Encoding="gzip, deflate, br, zstd")
    _, again, _ = visitor.get(file, Accept_Encoding="br,gzip")

    assert "immutable" in first["cache-control"]
    assert (first["content-encoding"], again["content-encoding"], again["x-cache"]) == ("br", "br", "HIT")


def test_front_cache_keeps_hosts_encodings_and_fragments_apart(visitor):
    address = f"{PREFIX}/glossary/"
    bodies = {
        encoding: visitor.get(address, Accept_Encoding=encoding)[1].get("content-encoding")
        for encoding in ("br", "gzip", "identity", "br;q=0", "gzip;q=0.5")
    }
    assert bodies == {"br": "br", "gzip": "gzip", "identity": None, "br;q=0": None, "gzip;q=0.5": "gzip"}
    assert "<html" not in visitor.get(f"{address}?q=concept", HX_Request="true")[2]
    assert "<html" in visitor.get(f"{address}?q=concept")[2]
    assert visitor.get(address, Host="elsewhere.example.org")[0] == 400
    assert visitor.get(address, X_Forwarded_Host="elsewhere.example.org")[0] == 200
    assert "elsewhere" not in visitor.get(address)[2]


def test_security_txt_says_whom_to_tell_and_until_when(visitor):
    status, headers, text = visitor.get(f"{PREFIX}/.well-known/security.txt")

    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert text.startswith("Contact: mailto:safety@example.org\nExpires: ")
    assert text.endswith(f"Canonical: https://{HOST}{PREFIX}/.well-known/security.txt\n")
