"""From a pasted reference to a source: CSL-JSON, RIS or BibTeX, the mirror of `glossary.references`.

What a reference cannot tell (what was read of it, who paid, most often which kind of study it is) is asked, never filled in.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pybtex.database
import rispy
from django import forms
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import slugify
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text

from glossary import revisions
from glossary.content import tidy
from glossary.models import CITATION, Source
from glossary.text import fold

MOST_CHARACTERS, MOST_REFERENCES = 200_000, 30
CHANGE_REASON = "Imported from a pasted reference"


class Unreadable(ValueError):
    """Text that holds no references, or not only references, with the reason in words."""


# --- From text to fields


def understand(text: str) -> list[dict[str, Any]]:
    """The fields of every reference in the text, as far as they are known. Raises Unreadable."""
    text = text.replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise Unreadable("Paste one or more references.")
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"This is longer than {MOST_CHARACTERS:,} characters. Paste fewer references at once.")
    if "\0" in text:
        raise Unreadable("The text holds a NUL character, so it is not text. Copy the reference again.")
    if re.match(r"<(!doctype|html|head|body|div|p|span|table|\?xml)\b", text, re.IGNORECASE):
        raise Unreadable("This is a web page, not a reference. Look there for “Cite” or “Export citation”.")
    looks = {
        "CSL-JSON": text[0] in "[{",
        "RIS": bool(re.search(r"^TY  - ", text, re.MULTILINE)),
        "BibTeX": text[0] not in "[{" and bool(re.search(r"^\s*@\w+\s*[{(]", text, re.MULTILINE)),
    }
    formats = [name for name, does in looks.items() if does]
    if not formats:
        raise Unreadable("No reference was found here. It takes CSL-JSON, RIS and BibTeX.")
    if len(formats) > 1:
        raise Unreadable(f"This is {' and '.join(formats)} at once. Paste one format at a time.")
    found = [{name: value for name, value in row.items() if value} for row in READERS[formats[0]](text)]
    if not found:
        raise Unreadable(f"This looks like {formats[0]}, but no reference is in it.")
    if len(found) > MOST_REFERENCES:
        raise Unreadable(f"These are {len(found)} references; at most {MOST_REFERENCES} are taken at once.")
    for number, row in enumerate(found, 1):
        if not row.get("title"):
            raise Unreadable(f"Reference {number} has no title.")
    return suggested(found)


def first(value: Any) -> str:
    """Text, or the first text of a list; anything else is nothing."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return " ".join(tidy(str(value)).split()) if isinstance(value, str | int) else ""


def year_in(text: str) -> int | None:
    found = re.search(r"\b(1[89]|20)\d\d\b", text)
    return int(found[0]) if found else None


def day_in(text: str) -> date | None:
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None


def bare_doi(text: str) -> str:
    return re.sub(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", "", text.strip(), flags=re.IGNORECASE)


def author(family: str, given: str) -> str:
    """“Doe J”, as the guide writes names; a given name without capitals, such as a Chinese one, stays whole."""
    if not given or re.fullmatch(r"[A-Z](?:[-.]?[A-Z]){0,3}\.?", given):
        return f"{family} {given}".strip()
    letters = "".join(word[0] for word in re.split(r"[\s.-]+", given) if word)
    return f"{family} {letters if letters.isupper() else given}"


def with_link(row: dict[str, Any]) -> dict[str, Any]:
    row["doi"] = bare_doi(row["doi"])
    row["url"] = row["url"] or (f"https://doi.org/{row['doi']}" if row["doi"] else "")
    return row


def read_csl(text: str) -> list[dict[str, Any]]:
    try:
        items = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        place = f" Line {error.lineno}: {error.msg}." if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(f"This is not valid JSON.{place}") from None
    items = items if isinstance(items, list) else [items]
    if not all(isinstance(item, dict) for item in items):
        raise Unreadable("This is JSON, but not CSL-JSON: a reference stands in {…}.")
    return [csl_fields(item) for item in items]


def csl_fields(item: dict[str, Any]) -> dict[str, Any]:
    people = item.get("author")
    people = [person for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    names = [
        first(person.get("literal") or person.get("name"))
        or author(
            " ".join(filter(None, [first(person.get("non-dropping-particle")), first(person.get("family"))])),
            first(person.get("given")),
        )
        for person in people
    ]
    issued, accessed = csl_date(item.get("issued")), csl_date(item.get("accessed"))
    return with_link(
        {
            "id": first(item.get("id")),
            "type": first(item.get("type")),
            "title": first(item.get("title")),
            "authors": ", ".join(filter(None, names)),
            "year": year_in(issued),
            "container": first(item.get("container-title")) or first(item.get("publisher")),
            "doi": first(item.get("DOI")),
            "pmid": first(item.get("PMID")),
            "url": first(item.get("URL")),
            "note": first(item.get("note")),
            "checked_on": day_in(accessed),
        }
    )


def csl_date(value: Any) -> str:
    """A CSL date as 2026-11-23, as far as it goes."""
    if not isinstance(value, dict):
        return ""
    parts = value.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list):
        return "-".join(first(part).zfill(2) for part in parts[0])
    return first(value.get("raw") or value.get("literal"))


RECORD = re.compile(r"^TY  - .*?^ER  -[^\n]*$", re.MULTILINE | re.DOTALL)


def read_ris(text: str) -> list[dict[str, Any]]:
    records = RECORD.findall(text)
    if any(record.count("\nTY  - ") for record in records) or RECORD.sub("", text).strip():
        raise Unreadable("Not all of this is RIS: each reference starts with “TY  - ” and ends with “ER  - ”.")
    try:
        rows = rispy.loads(text)
    except Exception:  # rispy raises whatever its parser meets
        raise Unreadable("This cannot be read as RIS.") from None
    return [ris_fields(row) for row in rows]


def ris_fields(row: dict[str, Any]) -> dict[str, Any]:
    def of(*names: str) -> str:
        return next((text for name in names if (text := first(row.get(name)))), "")

    people = row.get("authors") or row.get("first_authors") or []
    names = [author(*(part.strip() for part in name.split(",", 1))) if "," in name else name for name in people]
    return with_link(
        {
            "id": of("id"),
            "type": of("type_of_reference"),
            "title": of("title", "primary_title"),
            "authors": ", ".join(names),
            "year": year_in(of("year", "publication_year", "date")),
            "container": of("journal_name", "secondary_title", "alternate_title3", "publisher"),
            "doi": of("doi"),
            "pmid": number if (number := of("accession_number")).isdigit() else "",
            # rispy takes “;” for the end of an address, which some addresses hold.
            "url": re.split(r";(?=https?:)", ";".join(row.get("urls") or []))[0],
            "note": of("notes"),
            "checked_on": day_in(of("access_date")),
        }
    )


def read_bibtex(text: str) -> list[dict[str, Any]]:
    try:
        entries = pybtex.database.parse_string(text, "bibtex").entries
    except (PybtexError, RecursionError) as error:
        raise Unreadable(f"This is not valid BibTeX. {' '.join(str(error).split())}") from None
    return [bibtex_fields(key, entry) for key, entry in entries.items()]


def bibtex_fields(key: str, entry: pybtex.database.Entry) -> dict[str, Any]:
    def of(*names: str) -> str:
        return next((text for name in names if (text := plain(entry.fields.get(name, "")))), "")

    names = [
        author(
            " ".join(map(plain, [*person.prelast_names, *person.last_names])),
            " ".join(map(plain, [*person.first_names, *person.middle_names])),
        )
        for person in entry.persons.get("author", [])
    ]
    return with_link(
        {
            "id": key,
            "type": entry.type,
            "title": of("title"),
            "authors": ", ".join(filter(None, names)),
            "year": year_in(of("year", "date")),
            "container": of("journal", "journaltitle", "booktitle", "howpublished", "publisher", "institution"),
            "doi": of("doi"),
            "pmid": of("pmid"),
            "url": bare_url(entry.fields.get("url", "").strip()),
            "note": of("note"),
            "checked_on": day_in(of("urldate")),
        }
    )


def bare_url(text: str) -> str:
    """An address without what BibTeX may put around it and into it."""
    text = re.sub(r"^\\url\{(.*)\}$", r"\1", text)
    return re.sub(r"\\([_&%#$~{}])", r"\1", text)


def plain(text: str) -> str:
    """BibTeX without braces and, where it has any, without its own marks for letters."""
    if "\\" in text:
        with contextlib.suppress(PybtexError, ValueError):
            text = str(Text.from_latex(text))
    return " ".join(re.sub(r"[{}]", "", text).split())


READERS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "CSL-JSON": read_csl,
    "RIS": read_ris,
    "BibTeX": read_bibtex,
}

# --- What is suggested, and what may be wrong

# Words of a title that say which kind of source it is. The first that fits; nothing fits most titles.
CLUES = [
    (re.compile(r"meta-?analys", re.IGNORECASE), Source.Kind.META_ANALYSIS),
    (re.compile(r"systematic review|scoping review", re.IGNORECASE), Source.Kind.SYSTEMATIC_REVIEW),
    (re.compile(r"randomi[sz]ed|split-face", re.IGNORECASE), Source.Kind.RCT),
    (re.compile(r"case series", re.IGNORECASE), Source.Kind.CASE_SERIES),
    (re.compile(r"case report|a case of", re.IGNORECASE), Source.Kind.CASE_REPORT),
    (re.compile(r"guideline|consensus", re.IGNORECASE), Source.Kind.GUIDELINE),
    (re.compile(r"\b(mice|mouse|rats?|rabbits?)\b", re.IGNORECASE), Source.Kind.ANIMAL_STUDY),
    (re.compile(r"in vitro", re.IGNORECASE), Source.Kind.LAB_STUDY),
]
FIELDS = [
    "key",
    "kind",
    "title",
    "authors",
    "year",
    "container",
    "doi",
    "pmid",
    "url",
    "read",
    "checked_on",
    "funding",
    "funder",
    "note",
]


def suggested(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a key of its own for each, and a kind where the title gives it away."""
    taken = set(Source.objects.values_list("key", flat=True))
    for row in rows:
        own = row.pop("id", "").lower()
        row.pop("type", None)
        key = own if CITATION.fullmatch(f"[@{own}]") and "-" in own else made_key(row)
        key = base = key[:76]
        number = 2
        while key in taken:
            key, number = f"{base}-{number}", number + 1
        taken.add(key)
        row["key"] = key
        row["kind"] = next((kind for clue, kind in CLUES if clue.search(row["title"])), "")
    return rows


def made_key(row: dict[str, Any]) -> str:
    """Family name, year, first long word of the title."""
    family = re.split(r"[\s,]", row.get("authors", "") or row.get("container", ""))[0]
    words = [word for word in slugify(row["title"]).split("-") if len(word) > 3]
    parts = [slugify(family)[:30], str(row.get("year", "")), *words[:1]]
    return "-".join(filter(None, parts)).strip("-_").lower() or "source"


def likeness(row: dict[str, Any]) -> list[tuple[str, Source]]:
    """Sources that may be the same one, with what they share."""
    same = models.Q(pk__in=[])
    for name in ("doi", "pmid", "url"):
        if row.get(name):
            same |= models.Q(**{f"{name}__iexact": row[name]})
    same |= models.Q(title__iexact=row["title"])
    found = []
    for source in Source.objects.filter(same):
        names = {"doi": "DOI", "pmid": "PubMed number", "url": "address"}
        shared = [
            word
            for name, word in names.items()
            if row.get(name) and str(row[name]).lower() == getattr(source, name).lower()
        ]
        shared += ["title"] if fold(source.title) == fold(row["title"]) else []
        found.append((" and ".join(shared) or "title", source))
    return found


class SourceForm(forms.ModelForm):
    """One source, with nothing chosen that a reference does not say."""

    class Meta:
        model = Source
        fields = FIELDS
        widgets = {
            name: forms.Textarea(attrs={"rows": 2, "cols": 80}) for name in ("title", "authors", "funding", "note")
        } | {
            "container": forms.TextInput(attrs={"size": 80}),
            "url": forms.URLInput(attrs={"size": 80}),
            "checked_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["funder"].choices = [("", "---------"), *Source.Funder.choices]
        self.fields["funder"].initial = ""
        self.fields["funder"].required = True


def saved(forms_: list[SourceForm], reason: str, by: AbstractBaseUser | None = None) -> list[Source]:
    """Save every source or, when one is refused, none. Errors stay in the forms."""
    with transaction.atomic():
        # One by one, so that each is also held against those before it.
        for form in forms_:
            if form.is_valid():
                form.instance._change_reason = reason
                form.save()
        if all(form.is_valid() for form in forms_):
            for form in forms_:
                revisions.record_new(form.instance, by, reason)
            return [form.instance for form in forms_]
        transaction.set_rollback(True)
    return []


# --- In the admin


class PasteReferences:
    """For the admin of sources: a page that takes pasted references."""

    import_export_change_list_template = "admin/sources_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.paste)
        return [path("paste/", page, name="glossary_source_paste"), *super().get_urls()]

    def paste(self, request: HttpRequest) -> HttpResponse:
        """First the text, then what was understood of it with what it does not say, then all of it is saved."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        text, problem, rows, entries = request.POST.get("text", ""), "", [], []
        if request.method == "POST":
            try:
                rows = understand(text)
            except Unreadable as error:
                problem = str(error)
        is_saving = "save" in request.POST
        for number, row in enumerate(rows):
            initial = row | {"checked_on": row.get("checked_on") or timezone.localdate()}
            form = SourceForm(request.POST if is_saving else None, initial=initial, prefix=f"reference-{number}")
            entries.append({"form": form, "row": row, "alike": likeness(row), "is_guess": bool(row["kind"])})
        if (
            is_saving
            and entries
            and (sources := saved([entry["form"] for entry in entries], CHANGE_REASON, request.user))
        ):
            noun = "source" if len(sources) == 1 else "sources"
            messages.success(request, f"{len(sources)} {noun} added: {', '.join(source.key for source in sources)}.")
            return redirect(reverse("admin:glossary_source_changelist"))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": "Add sources from pasted references",
            "text": text,
            "problem": problem,
            "entries": entries,
            "has_errors": is_saving and any(entry["form"].errors for entry in entries),
        }
        request.current_app = self.admin_site.name
        return render(request, "admin/paste_sources.html", context)
