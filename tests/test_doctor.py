"""`manage.py doctor` finds what is wrong, says it in words, and what to do."""

import io
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from config import backup
from glossary import revisions
from products import search_index
from products.models import ContentCheck, SearchEntry
from tests.factories import make_category, make_concept

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def sound(settings, tmp_path, monkeypatch):
    """A public installation in which nothing is wrong, and nothing could be better."""
    monkeypatch.delenv("HOST", raising=False)
    settings.IS_LOCAL, settings.DEBUG = False, False
    settings.SECRET_KEY = "k7Q2-" * 14 + "xyz"
    settings.ALLOWED_HOSTS = ["guide.example.org"]
    settings.SITE_URL = "https://guide.example.org"
    settings.SECURE_SSL_REDIRECT = settings.TRUST_PROXY_HEADERS = settings.SECOND_FACTOR = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.DATA_DIR = tmp_path / "data"
    settings.BACKUP_DIR = tmp_path / "backups"
    for folder in (settings.DATA_DIR, settings.BACKUP_DIR):
        folder.mkdir(mode=0o700)
    (settings.BACKUP_DIR / datetime.now(UTC).strftime(f"guide-{backup.STAMP}.sqlite3")).touch()
    monkeypatch.setattr("config.doctor.is_one_disk", lambda *folders: False)
    make_concept()
    make_category()
    search_index.rebuild()
    ContentCheck.objects.create(position=1, promise="That all is well.")
    user = User.objects.create_user("robin", is_staff=True)
    user.groups.add(Group.objects.get(name="Reviewer"))
    user.totpdevice_set.create(name="phone", confirmed=True)
    return settings


@pytest.fixture
def doctor():
    """`doctor()`: what it says, and whether it calls anything wrong."""

    def doctor():
        out = io.StringIO()
        try:
            call_command("doctor", stdout=out)
        except SystemExit as done:
            return out.getvalue(), bool(done.code)
        return out.getvalue(), False

    return doctor


def test_of_a_sound_installation_there_is_nothing_to_say(sound, doctor):
    assert doctor() == ("Nothing is wrong.\n", False)


def no_content(settings):
    make_category().__class__.objects.all().delete()


def no_backup(settings):
    for file in settings.BACKUP_DIR.iterdir():
        file.unlink()


def old_backup(settings):
    no_backup(settings)
    (settings.BACKUP_DIR / "guide-20260101T000000Z.dump").touch()


def saved_tomorrow(settings):
    concept = make_concept()
    save = revisions.record(concept, "published", revisions.snapshot(concept))
    save.saved_at = timezone.now() + timedelta(days=1)
    save.save()
    search_index.rebuild()


@pytest.mark.parametrize(
    ("break_it", "words", "todo"),
    [
        (lambda s: setattr(s, "DEBUG", True), "DEBUG is on", "DEBUG=0"),
        (lambda s: setattr(s, "SECRET_KEY", "short"), "SECRET_KEY is short", "secrets.token_urlsafe"),
        (lambda s: setattr(s, "ALLOWED_HOSTS", ["*"]), "lets everybody name the host", "Give the names"),
        (lambda s: setattr(s, "SITE_URL", "https://other.example.org"), "names a host that is not", "ALLOWED_HOSTS"),
        (lambda s: setattr(s, "SECURE_HSTS_SECONDS", 0), "security.W004", "\n"),
        (lambda s: setattr(s, "TRUST_PROXY_HEADERS", False), "readers go round in circles", "TRUST_PROXY_HEADERS=1"),
        (lambda s: setattr(s, "SECOND_FACTOR", False), "SECOND_FACTOR is off", "SECOND_FACTOR=0"),
        (no_content, "There is no content", "load_content"),
        (lambda s: SearchEntry.objects.all().delete(), "Search does not know everything", "rebuild_search"),
        (no_backup, "There is no backup", "manage.py backup"),
        (old_backup, "The newest backup is of 01 January 2026", "manage.py backup"),
        (saved_tomorrow, "Something was saved at", "timedatectl"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(sound, doctor, break_it, words, todo):
    break_it(sound)
    said, is_wrong = doctor()

    assert is_wrong
    assert words in said
    assert todo in said


def not_tended(settings):
    ContentCheck.objects.update(checked_at=timezone.now() - timedelta(days=3))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda s: setattr(s, "IS_LOCAL", True), "Only this machine is answered"),
        (lambda s: s.DATA_DIR.chmod(0o755) or (s.DATA_DIR / "secret-key").touch(0o644), "may read secret-key"),
        (not_tended, "was last looked after on"),
        (lambda s: User.objects.get().totpdevice_set.all().delete(), "not set up their second step: robin"),
        (lambda s: User.objects.all().delete(), "Nobody can publish"),
    ],
)
def test_what_could_be_better_is_no_failure(sound, doctor, break_it, words):
    break_it(sound)
    said, is_wrong = doctor()

    assert words in said
    assert not is_wrong


def test_backups_on_the_same_disk_are_advised_against(sound, doctor, monkeypatch):
    monkeypatch.undo()

    assert "on the disk that they should help against losing" in doctor()[0]


def test_little_room_is_told(sound, doctor, monkeypatch):
    monkeypatch.setattr("config.doctor.ROOM", 10**18)

    assert "MB are free where DATA_DIR is" in doctor()[0]


def test_a_folder_that_cannot_be_written_to_is_told(sound, doctor):
    sound.DATA_DIR.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.geteuid() == 0:  # whom no permission stops
        os.rmdir(sound.BACKUP_DIR) if not any(sound.BACKUP_DIR.iterdir()) else None
        sound.DATA_DIR = type(sound.DATA_DIR)("/proc/self")
    said, is_wrong = doctor()

    assert is_wrong
    assert "cannot be written to" in said


def test_migrations_that_are_missing_or_of_a_newer_release_are_told(sound, doctor):
    recorder = MigrationRecorder(connection)
    recorder.record_applied("products", "0999_of_a_newer_release")
    said, is_wrong = doctor()
    assert is_wrong
    assert "products.0999_of_a_newer_release" in said

    recorder.record_unapplied("products", "0999_of_a_newer_release")
    last = sorted(name for app, name in recorder.applied_migrations() if app == "products")[-1]
    recorder.record_unapplied("products", last)
    said, is_wrong = doctor()
    assert is_wrong
    assert f"1 migrations have not been run: products.{last}" in said


def test_a_database_that_does_not_answer_is_told_and_the_rest_still_looked_at(sound, doctor, monkeypatch):
    def fails():
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", fails)
    sound.SECRET_KEY = "short"
    said, is_wrong = doctor()

    assert is_wrong
    assert "The database does not answer: connection refused." in said
    assert "SECRET_KEY is short" in said


def test_styles_that_were_not_collected_are_told(sound, doctor, tmp_path):
    hashed = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    sound.STATIC_ROOT = tmp_path / "nothing"
    sound.STORAGES = sound.STORAGES | {"staticfiles": hashed}
    said, is_wrong = doctor()

    assert is_wrong
    assert "have not been collected" in said


def test_styles_of_another_release_are_told(sound, doctor, tmp_path, monkeypatch):
    hashed = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    sound.STATIC_ROOT = tmp_path / "static"
    sound.STORAGES = sound.STORAGES | {"staticfiles": hashed}
    call_command("collectstatic", "--no-input", verbosity=0)
    assert doctor() == ("Nothing is wrong.\n", False)

    other = tmp_path / "site.js"
    other.write_text("alert(1)")
    monkeypatch.setattr("config.doctor.find", lambda name: str(other))
    assert "are those of another release" in doctor()[0]


def test_a_cache_that_does_not_answer_is_told(sound, doctor):
    away = {"BACKEND": "config.shared_cache.SharedCache", "LOCATION": "redis://127.0.0.1:1/0"}
    sound.CACHES = sound.CACHES | {"shared": away}
    said, is_wrong = doctor()

    assert is_wrong
    assert "REDIS_URL" in said
