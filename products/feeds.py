"""The Atom feed of changes."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.contrib.syndication.views import Feed
from django.utils.feedgenerator import Atom1Feed

from products.changes import Change, recent_changes


class ChangeFeed(Feed):
    """What changed on the site and why."""

    feed_type = Atom1Feed
    title = "Claimed & Shown: what changed"
    subtitle = "Every change to a verdict, a risk, a rule or a text, and why it was made."
    link = "/changes/"

    def items(self) -> list[Change]:
        return recent_changes(limit=100)

    def item_title(self, item: Change) -> str:
        return f"{item.page}: {item.summary}"

    def item_description(self, item: Change) -> str:
        return item.reason

    def item_link(self, item: Change) -> str:
        return item.url

    def item_guid(self, item: Change) -> str:
        return f"{item.url}#{item.day.isoformat()}"

    def item_updateddate(self, item: Change) -> datetime:
        return datetime.combine(item.day, time(), ZoneInfo("UTC"))
