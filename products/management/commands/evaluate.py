from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from products.adcheck import read_text

FIELDS = ["concepts", "effects", "red_flags"]
# Texts that sell nothing: a warning sign in one of them is a false alarm.
PLAIN_KINDS = {"honest", "negative"}
# Some label files write the second name of one and the same entry.
SAME = {"conditioned-medium": "supernatant"}


class Command(BaseCommand):
    help = (
        "Read labelled adverts with the ad check and print precision, recall and F1 as a Markdown table. "
        "With --verbosity 2, also what was missed or too much in each text."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            type=Path,
            default=settings.BASE_DIR / "tests/products/ads.yaml",
            help="labelled texts, as in tests/products/ads.yaml (the default); what the labels mean stands at its head",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        texts = read_labelled(options["file"])
        counts: dict[str, Count] = defaultdict(Count)
        alarms = []
        for text in texts:
            found = found_in(text["text"])
            groups = ["all", f"kind: {text['kind']}", f"language: {text['language']}"]
            for group in groups:
                counts[group].texts += 1
            for field in FIELDS:
                wanted = {SAME.get(slug, slug) for slug in text[field]}
                # What is only named beside is neither right nor wrong.
                beside = {SAME.get(slug, slug) for slug in text.get("also_named", [])} if field == "concepts" else set()
                got = found[field] - (beside - wanted)
                for group in groups:
                    counts[group].add(field, wanted, got)
                if wanted != got and options["verbosity"] > 1:
                    self.stdout.write(
                        f"{text['id']} {text['language']} {text['kind']} {field}: "
                        f"missed {sorted(wanted - got) or '-'}, too much {sorted(got - wanted) or '-'}"
                    )
            if text["kind"] in PLAIN_KINDS and found["red_flags"]:
                alarms.append(text["id"])
        self.stdout.write(
            "| texts | number | " + " | ".join(f"{f.replace('_', ' ')} P / R / F1" for f in FIELDS) + " |"
        )
        self.stdout.write("|---|---:|" + "---:|" * len(FIELDS))
        for group in sorted(counts, key=lambda name: (name != "all", name)):
            cells = " | ".join(counts[group].cell(field) for field in FIELDS)
            self.stdout.write(f"| {group} | {counts[group].texts} | {cells} |")
        named = f" ({', '.join(alarms)})" if alarms else ""
        self.stdout.write(f"\nHonest or unrelated texts with a warning sign: {len(alarms)}{named}")


class Count:
    """Hits, misses and false alarms of one group of texts, by field."""

    def __init__(self) -> None:
        self.texts = 0
        self.hits = dict.fromkeys(FIELDS, 0)
        self.missed = dict.fromkeys(FIELDS, 0)
        self.extra = dict.fromkeys(FIELDS, 0)

    def add(self, field: str, wanted: set[str], got: set[str]) -> None:
        self.hits[field] += len(wanted & got)
        self.missed[field] += len(wanted - got)
        self.extra[field] += len(got - wanted)

    def cell(self, field: str) -> str:
        """Precision, recall and F1 as shares from 0 to 1, over all labels of the group; a dash where there are none."""
        hits, missed, extra = self.hits[field], self.missed[field], self.extra[field]

        def share(part: int, whole: int) -> str:
            return f"{part / whole:.2f}" if whole else "–"

        precision, recall = share(hits, hits + extra), share(hits, hits + missed)
        return f"{precision} / {recall} / {share(2 * hits, 2 * hits + missed + extra)}"


def found_in(text: str) -> dict[str, set[str]]:
    """The slugs that the ad check finds, by field."""
    reading = read_text(text)
    return {field: {row.slug for row in getattr(reading, field)} for field in FIELDS}


def read_labelled(path: Path) -> list[dict[str, Any]]:
    """The labelled texts of a file; CommandError names the first one that lacks something."""
    try:
        texts = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    if not isinstance(texts, list) or not texts:
        raise CommandError(f"{path} holds no list of texts.")
    for number, text in enumerate(texts, start=1):
        for problem in problems_of(text):
            raise CommandError(f"{path}, text {number}: {problem}")
    return texts


def problems_of(text: Any) -> Iterator[str]:
    """What is wrong with one labelled text."""
    if not isinstance(text, dict):
        yield "is not a mapping."
        return
    for name in ["id", "language", "kind", "text"]:
        if not isinstance(text.get(name), str):
            yield f"the field “{name}” is missing or not text."
    for name in FIELDS:
        if not isinstance(text.get(name), list):
            yield f"the field “{name}” is missing or not a list."
