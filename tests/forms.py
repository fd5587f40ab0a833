"""Reads a form out of a page, as a browser would, so that a test can fill in one field and send the whole."""

from html.parser import HTMLParser


class FormReader(HTMLParser):
    """Collects what a browser would send of one form: `{name: value or [values]}`."""

    def __init__(self, form_id):
        super().__init__()
        self.form_id = form_id
        self.fields = {}
        self.is_inside = False
        self.text = None
        self.select = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.is_inside = self.form_id in (attrs.get("id"), None)
        if not self.is_inside or attrs.get("form", self.form_id) != self.form_id:
            return
        name, kind = attrs.get("name"), attrs.get("type", "text")
        if tag == "input" and name and kind not in ("submit", "file", "button"):
            if kind not in ("checkbox", "radio") or "checked" in attrs:
                self.add(name, attrs.get("value") or ("on" if kind == "checkbox" else ""))
        elif tag == "textarea":
            self.text = (name, [])
        elif tag == "select":
            self.select = (name, "multiple" in attrs)
        elif tag == "option" and self.select and "selected" in attrs:
            self.add(self.select[0], attrs.get("value", ""))

    def handle_endtag(self, tag):
        if tag == "form":
            self.is_inside = False
        elif tag == "textarea" and self.text:
            # The line break that HTML drops after the opening tag.
            self.add(self.text[0], "".join(self.text[1]).removeprefix("\r").removeprefix("\n"))
            self.text = None
        elif tag == "select":
            self.select = None

    def handle_data(self, data):
        if self.text:
            self.text[1].append(data)

    def add(self, name, value):
        if name in self.fields:
            before = self.fields[name]
            self.fields[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            self.fields[name] = value


def read_form(response, form_id=None):
    """The fields of the form with this id, or of the only one, as a dict for `client.post`."""
    reader = FormReader(form_id)
    reader.feed(response.text)
    return reader.fields
