"""Sources, findings and names by spreadsheet: CSV or XLSX out, and in again with a preview, all or nothing.

`BulkAdmin` adds both to an admin. A file is looked at before any library sees it and refused in words; a row is named by
the number that the spreadsheet shows. Nothing is published from here: new findings arrive as drafts, and what changes a
finding or the names of a concept becomes a draft beside what readers see. Sources are live at once.
"""

from __future__ import annotations

import base64
import csv
import io
import re
import uuid
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any

import openpyxl
import tablib
from diff_match_patch import diff_match_patch
from django import forms
from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from import_export import widgets
from import_export.admin import ImportExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import CSV, XLSX
from import_export.forms import ConfirmImportForm, ExportForm, ImportForm
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import Diff, ModelResource
from import_export.results import Result
from import_export.tmp_storages import BaseStorage
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils import get_column_letter

from glossary import revisions
from glossary.content import tidy
from glossary.models import Alias, Concept, Finding, Source, State

MOST_BYTES = 2_000_000
MOST_ROWS = 5_000
MOST_COLUMNS = 60
MOST_SHOWN = 200
# What an XLSX file may unpack to, and how many times its own size: text packs ten or twenty times.
MOST_UNPACKED, MOST_PACKED = 30_000_000, 100
# A spreadsheet program takes a cell that starts so for a formula.
FORMULA = re.compile(r"^'*[=+\-@\t\r]")


class Refused(ValueError):
    """A file that is not taken, with the reason in words."""


# --- Reading a file


def table(rows: Iterator[tuple[int, list[str]]]) -> tablib.Dataset:
    """Numbered rows as a dataset; what a spreadsheet shows and a reader would guess about is refused."""
    header: list[str] | None = None
    data: list[list[str]] = []
    blank = 0
    for number, cells in rows:
        if number > 4 * MOST_ROWS:
            raise Refused(f"The sheet goes on below row {number - 1:,}. Delete what stands or seems to stand there.")
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            blank = blank or number
            continue
        if blank:
            raise Refused(f"Row {blank} is empty. Delete it, so that row numbers here are those in your file.")
        if len(cells) > MOST_COLUMNS:
            raise Refused(f"Row {number} has {len(cells)} cells; a sheet has at most {MOST_COLUMNS} columns.")
        if any("\0" in cell for cell in cells):
            raise Refused(f"Row {number} holds a NUL character, which no text needs. Delete it.")
        if header is None:
            header = [cell.strip() for cell in cells]
            if "" in header:
                raise Refused(f"Column {header.index('') + 1} has no name in the first row.")
            if twice := {name for name in header if header.count(name) > 1}:
                raise Refused(f"The first row names a column twice: {', '.join(sorted(twice))}.")
            continue
        if len(cells) > len(header):
            raise Refused(f"Row {number} has {len(cells)} cells, and the first row names {len(header)} columns.")
        data.append(cells + [""] * (len(header) - len(cells)))
        if len(data) > MOST_ROWS:
            raise Refused(f"The file has more than {MOST_ROWS:,} rows. Split it.")
    if header is None:
        raise Refused("The file is empty.")
    if not data:
        raise Refused("The file has a first row with names of columns, and nothing below it.")
    return tablib.Dataset(*data, headers=header)


def decoded(data: bytes) -> str:
    """The text of a CSV file. Only UTF-8 is taken: what is guessed wrongly turns names into other characters."""
    if data.startswith((b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"{\\rtf", b"<!DOC", b"<html")):
        raise Refused("This is not a CSV or XLSX file, whatever its name says.")
    how = "Save it as “CSV UTF-8”, or as XLSX, and choose it again."
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(f"This is text in UTF-16, not in UTF-8. {how}")
    if b"\0" in data:
        raise Refused("The file holds NUL characters, so it is not a CSV file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        try:
            hint = " It looks like Chinese text in GBK." if re.search(r"[一-鿿]{2}", data.decode("gb18030")) else ""
        except UnicodeDecodeError:
            hint = ""
        raise Refused(f"This is not UTF-8 text; the first other character is in line {line}.{hint} {how}") from None


class Csv(CSV):
    """CSV in UTF-8, with commas, semicolons or tabs."""

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        text = decoded(in_stream)
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            return table((number, [unescaped(cell) for cell in row]) for number, row in enumerate(rows, 1))
        except csv.Error as error:
            raise Refused(f"Line {rows.line_num} is not CSV: {error}.") from None

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> str:
        out = io.StringIO()
        # The mark at the start tells spreadsheet programs that this is UTF-8.
        out.write("\ufeff")
        csv.writer(out).writerows([dataset.headers, *([escaped(str(cell)) for cell in row] for row in dataset)])
        return out.getvalue()


def escaped(text: str) -> str:
    """With an apostrophe in front of what a spreadsheet program would take for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def unescaped(text: str) -> str:
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


class Xlsx(XLSX):
    """One sheet of plain values. Formulas are refused: what they come to depends on who opens the file."""

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        check_archive(in_stream)
        try:
            with warnings.catch_warnings():
                # Of drawings and styles that it does not know; only values are read here.
                warnings.simplefilter("ignore")
                book = openpyxl.load_workbook(io.BytesIO(in_stream), read_only=True, keep_links=False)
                if len(book.worksheets) != 1 or len(book.sheetnames) != 1:
                    raise Refused(f"The file has {len(book.sheetnames)} sheets. Keep the one to import.")
                # What the sheet says of its own size is not believed: cells beyond it would be left out in silence.
                book.worksheets[0].reset_dimensions()
                return table(enumerate(map(self.row, book.worksheets[0].iter_rows()), 1))
        except Refused:
            raise
        except Exception:  # openpyxl raises whatever its parsers meet in a broken file
            raise Refused("This cannot be read as XLSX. Save it again in your spreadsheet program.") from None

    @staticmethod
    def row(cells: tuple[Any, ...]) -> list[str]:
        if len(cells) > 1_000:
            raise Refused(f"A row goes on to column {get_column_letter(len(cells))}. Delete what is out there.")
        return [cell_text(cell) for cell in cells]

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.freeze_panes = "A2"
        for number, row in enumerate([dataset.headers, *dataset], 1):
            for column, value in enumerate(row, 1):
                cell = sheet.cell(number, column, ILLEGAL_CHARACTERS_RE.sub("\ufffd", str(value)))
                # Text that starts with “=” stays text.
                cell.data_type = "s"
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()


def check_archive(data: bytes) -> None:
    """Refuse an archive by what its own list of contents says, before anything is unpacked."""
    try:
        contents = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise Refused("This cannot be read as XLSX: the archive is damaged.") from None
    if "xl/workbook.xml" not in {item.filename for item in contents}:
        raise Refused("This is an archive, but not an XLSX file.")
    size = sum(item.file_size for item in contents)
    if size > MOST_UNPACKED or size > MOST_PACKED * max(len(data), 10_000):
        raise Refused(f"The file would unpack to {size / 1e6:,.0f} MB, far more than a table of text. It is refused.")


def cell_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise Refused(f"Cell {cell.coordinate} holds a formula. Paste its value instead (Paste special, values).")
    if cell.data_type == "e":
        raise Refused(f"Cell {cell.coordinate} holds the error {value}.")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


# --- Cells


class Text(widgets.Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> str:
        return tidy(value)


class Whole(widgets.Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> int | None:
        value = value.strip()
        if value and not re.fullmatch(r"[0-9]{1,9}", value):
            raise ValueError(f"“{value[:40]}” is not a whole number.")
        return int(value) if value else None


class Day(widgets.Widget):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> date | None:
        value = value.strip()
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            raise ValueError(f"“{value[:40]}” is not a date. Write it as 2026-11-23.") from None


class YesNo(widgets.Widget):
    WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> bool:
        try:
            return self.WORDS[value.strip().lower()]
        except KeyError:
            raise ValueError(f"“{value[:40]}” is neither yes nor no.") from None

    def render(self, value: bool, **kwargs: Any) -> str:
        return "yes" if value else "no"


class Choice(widgets.Widget):
    def __init__(self, values: list[str]) -> None:
        super().__init__()
        self.values = values

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> str:
        value = value.strip()
        if value and value not in self.values:
            raise ValueError(f"“{value[:40]}” is none of: {', '.join(self.values)}.")
        return value


class Rows:
    """The rows of a model by key or slug, read once for a whole import."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        self.found: dict[str, models.Model] | None = None

    def __getitem__(self, key: str) -> models.Model:
        if self.found is None:
            self.found = {row.natural_key()[0]: row for row in self.model._default_manager.all()}
        try:
            return self.found[key]
        except KeyError:
            raise ValueError(f"There is no {self.model._meta.verbose_name} “{key[:80]}”.") from None


class OneKey(widgets.Widget):
    def __init__(self, model: type[models.Model]) -> None:
        super().__init__()
        self.rows = Rows(model)

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> models.Model | None:
        return self.rows[value.strip()] if value.strip() else None

    def render(self, value: models.Model | None, **kwargs: Any) -> str:
        return value.natural_key()[0] if value else ""


class SeveralKeys(widgets.ManyToManyWidget):
    """`key; key`, in the order of the alphabet."""

    def __init__(self, model: type[models.Model]) -> None:
        super().__init__(model, separator=";")
        self.rows = Rows(model)

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> list[models.Model]:
        return [self.rows[key.strip()] for key in dict.fromkeys(value.split(";")) if key.strip()]

    def render(self, value: Any, **kwargs: Any) -> str:
        return "; ".join(sorted(row.natural_key()[0] for row in value.all())) if value is not None else ""


# --- Rows


class Changes(Diff):
    """What changes in each cell, marked up without styles of its own, which the site's policy would not apply."""

    def as_html(self) -> list[SafeString]:
        return [changed("" if self.new else old, new) for old, new in zip(self.left, self.right, strict=True)]


def changed(old: Any, new: Any) -> SafeString:
    dmp = diff_match_patch()
    dmp.Diff_Timeout = 0.2
    parts = dmp.diff_main(str(old), str(new))
    dmp.diff_cleanupSemantic(parts)
    marks = {dmp.DIFF_INSERT: "<ins>{}</ins>", dmp.DIFF_DELETE: "<del>{}</del>", dmp.DIFF_EQUAL: "{}"}
    return format_html_join("", "{}", ((format_html(marks[op], text),) for op, text in parts))


class NaturalKeyLoader(BaseInstanceLoader):
    """Finds the row that a line of the sheet speaks of; all of them are read at once."""

    def __init__(self, resource: Sheet, dataset: tablib.Dataset | None = None) -> None:
        super().__init__(resource, dataset)
        self.found = {row.natural_key(): row for row in resource.prepared(resource.get_queryset())}
        self.seen: set[tuple[Any, ...]] = set()

    def get_instance(self, row: dict[str, str]) -> models.Model | None:
        try:
            values = [self.resource.fields[name].clean(row) for name in self.resource.get_import_id_fields()]
        except ValueError:
            return None  # said when the cell itself is read
        key = tuple(value.natural_key()[0] if isinstance(value, models.Model) else value for value in values)
        if key in self.seen:
            raise ValidationError(gettext("Another row above speaks of the same entry."))
        self.seen.add(key)
        return self.found.get(key)


class Sheet(ModelResource):
    """A model as a sheet, one row an entry, found by the columns that name it."""

    class Meta:
        instance_loader_class = NaturalKeyLoader
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = False
        store_row_values = True
        use_transactions = True

    @classmethod
    def field_from_django_field(cls, field_name: str, django_field: models.Field, readonly: bool) -> Field:
        return Field(
            attribute=field_name,
            column_name=field_name,
            widget=widget_for(django_field),
            readonly=readonly,
            default=django_field.default,
        )

    @classmethod
    def get_diff_class(cls) -> type[Diff]:
        return Changes

    def prepared(self, rows: models.QuerySet) -> models.QuerySet:
        """With what a row of the sheet reads, in a fixed number of queries."""
        fields = [self._meta.model._meta.get_field(name) for name in self.fields]
        rows = rows.select_related(*[f.name for f in fields if f.many_to_one])
        return rows.prefetch_related(*[f.name for f in fields if f.many_to_many])

    def filter_export(self, queryset: models.QuerySet, **kwargs: Any) -> list[models.Model]:
        return sorted(self.prepared(queryset), key=lambda row: row.natural_key())

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        known, given = self._meta.fields, dataset.headers
        problems = []
        if unknown := [name for name in given if name not in known]:
            problems.append(f"There is no column {', '.join(f'“{name[:40]}”' for name in unknown)}.")
        if missing := [name for name in self.get_import_id_fields() if name not in given]:
            problems.append(f"The column {', '.join(f'“{name}”' for name in missing)} is missing.")
        if problems:
            dataset.wipe()
            dataset.headers = list(self.get_import_id_fields())
            raise Refused(f"{' '.join(problems)} The columns are: {', '.join(known)}.")

    def import_instance(self, instance: models.Model, row: dict[str, str], **kwargs: Any) -> None:
        """Every cell into its field; all that is wrong with the row is said at once."""
        errors = {}
        for field in self.get_import_fields():
            if field.column_name in row:
                try:
                    if isinstance(field.widget, SeveralKeys):
                        field.clean(row)
                    else:
                        field.save(instance, row)
                except ValueError as error:
                    errors[field.column_name] = ValidationError(str(error))
        if errors:
            raise ValidationError(errors)

    def save_instance(self, instance: models.Model, is_create: bool, row: dict[str, str], **kwargs: Any) -> None:
        """What is new is saved; what is there changes as at the desk, so that each state of it is kept."""
        if is_create:
            instance._change_reason = reason(kwargs)
            super().save_instance(instance, is_create, row, **kwargs)
            self.save_links(instance, row)
            revisions.record_new(instance, by=kwargs.get("user"), reason=reason(kwargs))
            return

        def edit(present: models.Model) -> None:
            self.import_instance(present, row)
            present.save()
            self.save_links(present, row)

        present = self._meta.model._default_manager.get(pk=instance.pk)
        revisions.propose(present, edit, by=kwargs.get("user"), reason=reason(kwargs))

    def save_m2m(self, instance: models.Model, row: dict[str, str], **kwargs: Any) -> None:
        """Done by `save_instance`, which keeps a row and its links as one."""

    def save_links(self, instance: models.Model, row: dict[str, str]) -> None:
        for field in self.get_import_fields():
            if isinstance(field.widget, SeveralKeys) and field.column_name in row:
                field.save(instance, row, is_m2m=True)


def reason(kwargs: dict[str, Any]) -> str:
    return f"Imported from {kwargs.get('file_name') or 'a file'}"[:200]


def widget_for(field: models.Field) -> widgets.Widget:
    if field.many_to_many:
        return SeveralKeys(field.related_model)
    if field.many_to_one:
        return OneKey(field.related_model)
    if field.choices:
        return Choice([value for value, _ in field.choices])
    if isinstance(field, models.BooleanField):
        return YesNo()
    if isinstance(field, models.DateField):
        return Day()
    return Whole() if isinstance(field, models.IntegerField) else Text()


class SourceSheet(Sheet):
    class Meta(Sheet.Meta):
        model = Source
        import_id_fields = ["key"]
        fields = [
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
            "status",
            "superseded_by",
        ]


class AliasSheet(Sheet):
    class Meta(Sheet.Meta):
        model = Alias
        import_id_fields = ["concept", "text", "language"]
        fields = ["concept", "text", "language", "kind", "is_ambiguous"]

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        super().before_import(dataset, **kwargs)
        self.waiting: dict[Concept, list[Alias]] = {}

    def save_instance(self, instance: Alias, is_create: bool, row: dict[str, str], **kwargs: Any) -> None:
        """A name belongs to its concept: all of one concept are one change to it."""
        self.waiting.setdefault(instance.concept, []).append(instance)

    def after_import(self, dataset: tablib.Dataset, result: Result, **kwargs: Any) -> None:
        for concept, names in self.waiting.items():

            def edit(present: models.Model, names: list[Alias] = names) -> None:
                for name in names:
                    name.save()

            revisions.propose(concept, edit, by=kwargs.get("user"), reason=reason(kwargs))


class FindingSheet(Sheet):
    """The state can be read here, not changed: publishing is a decision on one finding, not on a file."""

    class Meta(Sheet.Meta):
        model = Finding
        import_id_fields = ["concept", "effect", "route"]
        fields = [
            "concept",
            "effect",
            "route",
            "state",
            "claimed",
            "shown",
            "population",
            "people",
            "follow_up",
            "direction",
            "size",
            "certainty",
            "certainty_reason",
            "would_change",
            "searched_on",
            "main_source",
            "sources",
            "claim_sources",
        ]

    def after_init_instance(self, instance: Finding, new: bool, row: dict[str, str], **kwargs: Any) -> None:
        if new:
            instance.state = State.DRAFT
        if row.get("state", "").strip() not in ("", instance.state):
            raise ValidationError(
                {"state": f"A file cannot change the state. Leave it “{instance.state}”, or leave the column out."}
            )

    def import_instance(self, instance: Finding, row: dict[str, str], **kwargs: Any) -> None:
        # An empty cell would otherwise bring the usual state.
        super().import_instance(instance, {name: cell for name, cell in row.items() if name != "state"}, **kwargs)

    def save_links(self, instance: Finding, row: dict[str, str]) -> None:
        super().save_links(instance, row)
        # The main source is one of the sources, whether or not it was written twice.
        if instance.main_source:
            instance.sources.add(instance.main_source)


# --- The file between preview and confirmation

_session: ContextVar[SessionBase] = ContextVar("session")


class InSession(BaseStorage):
    """The uploaded file, packed, in the editor's own session.

    So every process finds it, nobody else can confirm it, the next upload takes its place, and it ends with the session at the
    latest: nothing is left in a folder.
    """

    KEY = "import"

    def save(self, data: bytes) -> None:
        self.name = uuid.uuid4().hex
        _session.get()[self.KEY] = [self.name, base64.b64encode(zlib.compress(data)).decode()]

    def read(self) -> bytes:
        _, packed = _session.get()[self.KEY]
        return zlib.decompress(base64.b64decode(packed))

    def remove(self) -> None:
        _session.get().pop(self.KEY, None)


@contextmanager
def session_of(request: HttpRequest) -> Iterator[None]:
    token = _session.set(request.session)
    try:
        yield
    finally:
        _session.reset(token)


# --- In the admin


class BulkImportForm(ImportForm):
    """One field: the file. Whether it is CSV or XLSX is seen from its first bytes, whatever its name says."""

    def __init__(self, *args: Any, length: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.length = length
        self.fields["format"].required = False
        self.fields["format"].widget = forms.HiddenInput()
        self.fields["import_file"].widget.attrs = {"accept": ".csv,.xlsx"}
        self.fields["import_file"].help_text = f"CSV in UTF-8 or XLSX, up to {MOST_BYTES // 1_000_000} MB."
        self.fields["import_file"].error_messages["required"] = (
            # Of a large request Django keeps no file at all.
            too_large if length > MOST_BYTES else "Choose a file."
        )

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > MOST_BYTES:
            raise ValidationError(too_large)
        return file

    def clean(self) -> dict[str, Any]:
        if file := self.cleaned_data.get("import_file"):
            is_archive = file.read(2) == b"PK"
            file.seek(0)
            self.cleaned_data["format"] = "1" if is_archive else "0"
        return self.cleaned_data


too_large = f"The file is larger than {MOST_BYTES // 1_000_000} MB, so it was not read. Split it."


class BulkConfirmForm(ConfirmImportForm):
    format = forms.ChoiceField(choices=[("0", "CSV"), ("1", "XLSX")], widget=forms.HiddenInput())


class BulkAdmin(ImportExportMixin):
    """Import and export for an admin whose `resource_classes` names one sheet."""

    formats = [Csv, Xlsx]
    tmp_storage_class = InSession
    import_form_class = BulkImportForm
    confirm_form_class = BulkConfirmForm
    export_form_class = ExportForm
    import_template_name = "admin/bulk_import.html"
    export_template_name = "admin/bulk_export.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """For whoever may add and change such rows, be it on the page of what they belong to."""
        names = [f"{self.opts.app_label}.{action}_{self.opts.model_name}" for action in ("add", "change")]
        return request.user.has_perms(names)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_resource_index(self, form: forms.Form) -> int:
        return 0

    def get_import_form_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        length = request.META.get("CONTENT_LENGTH") or "0"
        kwargs = super().get_import_form_kwargs(request)
        return kwargs | {"length": int(length) if length.isdigit() else 0}

    def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
        if not isinstance(e, Refused):
            raise e
        form.add_error("import_file", str(e))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with session_of(request):
            # Whoever comes back here has left an earlier preview behind.
            InSession().remove()
            response = super().import_action(request, **kwargs)
            if not response.context_data.get("confirm_form"):
                InSession().remove()
        result = response.context_data.setdefault("result", None)
        response.context_data.setdefault("confirm_form", None)
        response.context_data |= {
            "title": f"Import {self.opts.verbose_name_plural}",
            "wrong": problems(result) if result else [],
            "summary": totals(result) if result else "",
            "columns": self.resource_classes[0]._meta.fields,
            "named_by": self.resource_classes[0]._meta.import_id_fields,
            "preview": preview(result, self.resource_classes[0]._meta.import_id_fields) if result else [],
        }
        return response

    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        name, _ = request.session.get(InSession.KEY, ("", ""))
        form = self.create_confirm_form(request)
        if not form.is_valid() or form.cleaned_data["import_file_name"] != name:
            messages.error(
                request, gettext("Nothing was imported: this preview is no longer at hand. Choose the file again.")
            )
            return redirect(self.import_url())
        with session_of(request):
            return super().process_import(request, **kwargs)

    def process_dataset(self, dataset: tablib.Dataset, form: forms.Form, request: HttpRequest, **kwargs: Any) -> Result:
        return super().process_dataset(dataset, form, request, rollback_on_validation_errors=True, **kwargs)

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        if result.has_errors() or result.has_validation_errors():
            # The guide has changed since the preview.
            messages.error(request, f"Nothing was imported. {' '.join(problems(result)[:5])}")
            return redirect(self.import_url())
        return super().process_result(result, request)

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        # Names and findings wait for a reviewer; sources do not.
        said = "" if self.model is Source else " The changes are drafts: readers see them once they are published."
        messages.success(request, f"{totals(result)}.{said}")

    def import_url(self) -> str:
        return "admin:{}_{}_import".format(*self.get_model_info())


def preview(result: Result, named_by: list[str]) -> list[dict[str, Any]]:
    """What would change, an entry at a time: its name, whether it is new, and the cells that change."""
    return [
        {
            "name": " · ".join(row.row_values[name] for name in named_by),
            "is_new": row.is_new(),
            "cells": [(n, cell) for n, cell in zip(result.diff_headers, row.diff, strict=True) if "<" in cell],
        }
        for row in result.valid_rows()[:MOST_SHOWN]
    ]


def totals(result: Result) -> str:
    """What an import comes to."""
    return f"{result.totals['new']} new, {result.totals['update']} changed, {result.totals['skip']} as before"


def problems(result: Result) -> list[str]:
    """All that is wrong, one sentence each, rows by the number that a spreadsheet shows."""
    if result.base_errors:
        return [str(error.error) for error in result.base_errors]
    found = [(row.number + 1, f": {error.error}") for row in result.error_rows for error in row.errors]
    for row in result.invalid_rows:
        for name, sentences in row.error_dict.items():
            place = "" if name == "__all__" else f", {name}"
            found += [(row.number + 1, f"{place}: {sentence}") for sentence in sentences]
    return [f"Row {number}{words}" for number, words in sorted(found, key=lambda item: item[0])]
