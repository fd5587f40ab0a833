"""What the environment decides; each test starts Python anew, since settings are read once."""

import re
import runpy
import stat
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.one_database

PRODUCTION = {"SECRET_KEY": "k7Q2-" * 14 + "xyz", "ALLOWED_HOSTS": "guide.example.org"}


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **env):
        base = {"PATH": "", "DATA_DIR": str(tmp_path / "data"), "DJANGO_SETTINGS_MODULE": "config.settings"}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=base | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def setting(run):
    """`setting("DEBUG", NAME="value")`: what that setting is in such an environment."""

    def setting(name, **env):
        done = run("-c", f"from django.conf import settings; print(settings.{name})", **env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return setting


def test_production_environment_passes_the_deployment_check_without_a_warning(run):
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_a_public_host_without_a_secret_stops_the_start(run):
    done = run("manage.py", "check", ALLOWED_HOSTS="guide.example.org")

    assert done.returncode != 0
    assert "SECRET_KEY must be set" in done.stderr


def test_without_any_environment_only_this_machine_is_answered(setting):
    assert setting("ALLOWED_HOSTS") == "['localhost', '127.0.0.1', '[::1]']"
    assert setting("DEBUG") == "False"
    assert setting("SECURE_SSL_REDIRECT") == "False"


def test_local_key_is_made_once_in_the_data_folder_and_for_its_owner_alone(setting, tmp_path):
    key = setting("SECRET_KEY")
    path = tmp_path / "data" / "secret-key"

    assert key == path.read_text()
    assert len(key) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert setting("SECRET_KEY") == key


def test_a_public_site_makes_no_local_key(run, tmp_path):
    assert run("manage.py", "check", **PRODUCTION).returncode == 0

    assert not (tmp_path / "data" / "secret-key").exists()


def test_a_flag_that_is_neither_yes_nor_no_stops_the_start(run):
    done = run("manage.py", "check", DEBUG="maybe")

    assert done.returncode != 0
    assert "DEBUG is 'maybe': give 1 or 0." in done.stderr


@pytest.mark.parametrize(
    ("env", "name", "value"),
    [
        ({}, "SECURE_SSL_REDIRECT", "True"),
        ({"SSL_REDIRECT": "0"}, "SECURE_SSL_REDIRECT", "False"),
        ({}, "SESSION_COOKIE_SECURE", "True"),
        ({}, "SECURE_PROXY_SSL_HEADER", "None"),
        ({"TRUST_PROXY_HEADERS": "1"}, "SECURE_PROXY_SSL_HEADER", "('HTTP_X_FORWARDED_PROTO', 'https')"),
        (
            {"ALLOWED_HOSTS": "a.example.org, b.example.org,"},
            "ALLOWED_HOSTS",
            "['a.example.org', 'b.example.org']",
        ),
        ({"SITE_URL": "https://guide.example.org/"}, "SITE_URL", "https://guide.example.org"),
        ({"DATABASE_URL": "postgres://u:p@h/guide"}, "DATABASES['default']['NAME']", "guide"),
    ],
)
def test_production_follows_the_environment(setting, env, name, value):
    assert setting(name, **PRODUCTION | env) == value


def test_policy_allows_nothing_inline_and_no_other_host():
    harmless = {"'self'", "'none'", "'inline-speculation-rules'", "'script'", "default"}
    for directive, sources in settings.SECURE_CSP.items():
        assert set(sources) <= harmless, directive


@pytest.mark.parametrize(
    ("env", "name", "value"),
    [
        ({}, "SESSION_COOKIE_NAME", "__Host-sessionid"),
        ({}, "CSRF_COOKIE_NAME", "__Host-csrftoken"),
        ({"URL_PREFIX": "/guide/"}, "SESSION_COOKIE_NAME", "__Secure-sessionid"),
        ({"URL_PREFIX": "/guide/"}, "SESSION_COOKIE_PATH", "/guide/"),
        ({"URL_PREFIX": "guide"}, "URL_PREFIX", "/guide"),
        ({"ADMIN_PATH": "/a-quiet-word/"}, "ADMIN_PATH", "a-quiet-word/"),
    ],
)
def test_cookies_and_paths_follow_the_environment(setting, env, name, value):
    assert setting(name, **PRODUCTION | env) == value


def test_a_path_that_is_none_stops_the_start(run):
    done = run("manage.py", "check", ADMIN_PATH="quiet word")

    assert done.returncode != 0
    assert "ADMIN_PATH is 'quiet word': give small letters, digits, hyphens and slashes." in done.stderr


# --- The table

TABLE = runpy.run_path(str(settings.BASE_DIR / ".ci/settings_table.py"))
READ = re.compile(r'os\.environ\.get\(\s*"(\w+)"|os\.environ\["(\w+)"\](?! = )|env_(?:flag|path)\(\s*["\'](\w+)["\']')


def test_readme_has_the_table_of_the_settings_file():
    assert TABLE["table"]() in (settings.BASE_DIR / "README.md").read_text(), "run: make settings"


def test_every_variable_that_the_code_reads_is_in_the_table_and_the_reverse():
    read = set()
    for folder in ("config", "glossary", "products"):
        for file in (settings.BASE_DIR / folder).rglob("*.py"):
            read |= {next(filter(None, found)) for found in READ.findall(file.read_text())}

    assert read == TABLE["names"]()
