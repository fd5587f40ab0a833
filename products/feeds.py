"""The Atom feed of changes."""

from datetime import datetime

from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from glossary.trail import Change
from products import changes


class ChangeFeed(Feed):
    """What changed on the site and why: the hundred latest entries of the trail."""

    feed_type = Atom1Feed
    title = _("Claimed & Shown: what changed")
    subtitle = _("Every change to a verdict, a risk, a rule or a text, and why it was made.")
    link = "/changes/"

    def items(self) -> list[Change]:
        return changes.told(changes.groups()[:100])

    def item_title(self, item: Change) -> str:
        words = gettext("Correction: %(page)s: %(what)s") if item.is_correction else "%(page)s: %(what)s"
        return words % {"page": item.page, "what": item.summary}

    def item_description(self, item: Change) -> str:
        return "\n".join([*([item.why] if item.why else []), *item.verdicts])

    def item_link(self, item: Change) -> str:
        return item.url or reverse("products:change_list")

    def item_guid(self, item: Change) -> str:
        return f"urn:uuid:{item.id}"

    def item_updateddate(self, item: Change) -> datetime:
        return item.at
