"""Accounts at the editors' desk."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice

# Nobody but their owner sees recovery codes.
admin.site.unregister([User, StaticDevice])


@admin.register(User)
class EditorAdmin(UserAdmin):
    """Accounts of editors. An administrator gives roles, and cannot reach beyond: no superuser is made or changed here."""

    list_display = ["username", "email", "roles", "is_active", "last_login"]
    list_filter = ["groups", "is_active"]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["username", "email", "groups", "password1", "password2"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or ("everything" if user.is_superuser else "none")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            return fieldsets
        beyond = {"is_superuser", "user_permissions"}
        return [
            (title, options | {"fields": [field for field in options["fields"] if field not in beyond]})
            for title, options in fieldsets
        ]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return super().has_change_permission(request, obj) and not is_above

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return super().has_delete_permission(request, obj) and not is_above

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.is_staff = True  # accounts are for editors and nobody else
        super().save_model(request, obj, form, change)
