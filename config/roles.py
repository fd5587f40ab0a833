"""Who may do what at the editors' desk: three roles, as Django groups.

| role | may |
|---|---|
| Writer | read everything; write concepts, findings and products with all that belongs to them; add sources |
| Reviewer | all of that, and change or delete anything in the guide, and publish |
| Administrator | all of that, and look after accounts, roles and lost phones |

`manage.py migrate` makes the groups and gives each what it lacks of this table. It takes nothing away: what an
administrator has added to a group stays. To narrow a role, make a group of one's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps

WRITER, REVIEWER, ADMINISTRATOR = "Writer", "Reviewer", "Administrator"
ROLES = [WRITER, REVIEWER, ADMINISTRATOR]

GUIDE = ("glossary", "products")
WRITTEN = {"concept", "finding", "category"}
BELONGS_TO_THEM = {"alias", "eventcount", "risk", "goal", "ingredient", "price", "regulation"}
ACCOUNTS = {("auth", "user"), ("auth", "group")}
PHONES = ("otp_totp", "totpdevice")


def roles_with(app: str, model: str, action: str) -> Iterable[str]:
    """The roles that hold the permission `<app>.<action>_<model>`."""
    if app in GUIDE:
        # What the history tables hold is written by the history alone.
        if action == "view":
            return ROLES
        if model.startswith("historical"):
            return []
        is_a_writers = (
            (model in WRITTEN and action in ("add", "change"))
            or (model in BELONGS_TO_THEM and action in ("add", "change", "delete"))
            or (model, action) == ("source", "add")
        )
        return ROLES if is_a_writers else [REVIEWER, ADMINISTRATOR]
    # A lost phone is looked up and taken away; nobody sets one up for another.
    if (app, model) in ACCOUNTS or ((app, model) == PHONES and action in ("view", "delete")):
        return [ADMINISTRATOR]
    return []


def bring_up_to_date(using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """After each migration: make the groups, and give each what it lacks.

    Permissions are rows that Django makes after a migration as well, so this cannot be a migration itself. What
    is not there (a permission to publish, say, before its model has one) is given once it is.
    """
    try:
        group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return  # migrated only part of the way
    groups = {name: group.objects.using(using).get_or_create(name=name)[0] for name in ROLES}
    held = group.permissions.through
    lacking = []
    found = permission.objects.using(using).values_list(
        "pk", "codename", "content_type__app_label", "content_type__model"
    )
    for pk, codename, app, model in found:
        if not codename.endswith(f"_{model}"):
            continue
        action = codename.removesuffix(f"_{model}")
        lacking += [held(group_id=groups[name].pk, permission_id=pk) for name in roles_with(app, model, action)]
    held.objects.using(using).bulk_create(lacking, ignore_conflicts=True)
