"""Every kind of page, with the shipped content, is HTML as the standard has it: what the Nu HTML checker says."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from glossary.models import Source

CHECKER = Path(sys.prefix) / "nu/node_modules/vnu-jar/build/dist/vnu.jar"  # the Makefile puts it there
PAIR = "item=exosome-microneedling&item=prp-hair&item=prp"
AD = "Exosomes erase wrinkles, guaranteed! An FDA registered serum with stem cells. PRP regrows hair in 7 days."
ADDRESSES = [
    "/", "/glossary/", "/glossary/?q=egf", "/glossary/?q=zzzz", "/glossary/exosomes/?route=injected", "/glossary/nothing/",
    "/products/", "/products/?goal=hair-growth", "/products/exosome-microneedling/?where=UK",
    "/compare/", "/compare/?goal=wrinkles", f"/compare/?{PAIR}&where=US", f"/compare/?{PAIR}&turned=1&differences=1",
    "/check/", "/visit/", f"/visit/?{PAIR}&where=UK", "/search/", "/search/?q=exosomes", "/search/?q=zzzzqqqq",
    "/evidence/", "/evidence/?sort=people", "/sources/", "/sources/?q=trial", "/changes/", "/method/", "/method/standards/",
    "/about/", "/data/", "/api/", "/offline/",
]  # fmt: skip


@pytest.fixture(scope="module")
def pages(entry_pages, django_db_blocker):
    """HTML by address: the whole site but most of its sources, and what the ad check says."""
    with django_db_blocker.unblock():
        return texts_of(entry_pages, Client())


def texts_of(entry_pages, client):
    addresses = [*ADDRESSES, *(source.get_absolute_url() for source in Source.objects.all()[:20])]
    answers = entry_pages | {address: client.get(address) for address in addresses}
    for words, text in [("an ad that was read", AD), ("an empty ad", "")]:
        answers[words] = client.post("/check/", {"text": text})
    for address, answer in answers.items():
        assert answer.status_code in (200, 404, 422), address
    return {address: answer.text for address, answer in answers.items()}


@pytest.mark.skipif(
    not (CHECKER.exists() and shutil.which("java")),
    reason="found no Java or no Nu HTML checker; install Java and npm, then run `make test`.",
)
def test_every_page_is_valid_html(pages, tmp_path):
    files = {}
    # Of pages made by one template, every third.
    entries = [a for a in pages if re.fullmatch(r"/(glossary|products|sources)/[^/?]+/", a)]
    checked = {a: text for a, text in pages.items() if a not in entries or entries.index(a) % 3 == 0}
    for number, (address, text) in enumerate(checked.items()):
        files[f"{number}.html"] = address
        (tmp_path / f"{number}.html").write_text(text)

    command = ["java", "-jar", CHECKER, "--errors-only", "--exit-zero-always", "--format", "json", *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True)

    messages = json.loads(done.stderr)["messages"]
    said = [f"{files[Path(m['url']).name]}: {m['message']}\n    {m.get('extract', '')}" for m in messages]
    assert not said, "\n".join(said)


def test_every_link_within_a_page_leads_somewhere_and_says_where(pages):
    for address, text in pages.items():
        targets = set(re.findall(r'href="#([^"]+)"', text))
        assert targets <= set(re.findall(r'\bid="([^"]+)"', text)), address
        assert ">[]<" not in text, address
