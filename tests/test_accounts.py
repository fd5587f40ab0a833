"""Who may enter the editors' desk, what each may do there, and what happens when something goes wrong."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config import roles
from config.lockout import client_address
from config.second_factor import new_codes
from glossary.models import Alias, Concept, Source
from products.models import RedFlag
from tests.factories import (
    make_alias,
    make_category,
    make_concept,
    make_finding,
    make_red_flag,
    make_source,
)

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

PASSWORD = "four words make this"
LOG_IN = "/admin/login/"
SECOND = "/admin/second-factor/"


@pytest.fixture
def second_factor(settings):
    """As on a public site: nobody gets in by a password alone."""
    settings.SECOND_FACTOR = True


def make_editor(name="anna", role=roles.ADMINISTRATOR, **fields):
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_phone(user):
    return TOTPDevice.objects.create(user=user, name="Phone")


def code_of(phone):
    """What the phone shows at the next step, so that no code is given twice in a test."""
    phone.refresh_from_db()
    ahead = phone.last_t + 1 - int(timezone.now().timestamp()) // 30 if phone.last_t > 0 else 0
    return f"{totp(phone.bin_key, drift=max(ahead, 0)):06d}"


def log_in(client, name="anna", password=PASSWORD, code="", **more):
    return client.post(LOG_IN, {"username": name, "password": password, "code": code, "next": "/admin/"}, **more)


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())).replace("&#x27;", "'")


# --- Roles


def logged_in(role):
    client = Client()
    client.force_login(make_editor(role.lower(), role))
    return client


def try_everything(client):
    """Forged requests, one for each deed; gives the names of those that were let through."""
    concept, source, flag = make_concept(), make_source(), make_red_flag()
    alias, other = make_alias(concept=concept), User.objects.create_user("other", is_staff=True)
    phone = make_phone(other)
    deeds = {
        "read a source": client.get(f"/admin/glossary/source/{source.pk}/change/"),
        "open the form of a concept": client.get("/admin/glossary/concept/add/"),
        "write a concept": client.post(f"/admin/glossary/concept/{concept.pk}/change/", {"name": "x"}),
        "write a category": client.post(f"/admin/products/category/{make_category().pk}/change/", {"name": "x"}),
        "write a finding": client.post(f"/admin/glossary/finding/{make_finding().pk}/change/", {}),
        "delete an alias": client.post(f"/admin/glossary/alias/{alias.pk}/delete/", {"post": "yes"}),
        "add a source": client.post("/admin/glossary/source/add/", {}),
        "change a source": client.post(f"/admin/glossary/source/{source.pk}/change/", {"title": "x"}),
        "delete a source": client.post(f"/admin/glossary/source/{source.pk}/delete/", {"post": "yes"}),
        "delete a concept": client.post(f"/admin/glossary/concept/{concept.pk}/delete/", {"post": "yes"}),
        "change a red flag": client.post(f"/admin/products/redflag/{flag.pk}/change/", {"name": "x"}),
        "delete a red flag": client.post(f"/admin/products/redflag/{flag.pk}/delete/", {"post": "yes"}),
        "see accounts": client.get("/admin/auth/user/"),
        "make an account": client.post("/admin/auth/user/add/", {}),
        "change a role": client.post(f"/admin/auth/group/{Group.objects.first().pk}/change/", {}),
        "take a lost phone away": client.post(f"/admin/otp_totp/totpdevice/{phone.pk}/delete/", {"post": "yes"}),
        "set a phone up for another": client.get("/admin/otp_totp/totpdevice/add/"),
        "see recovery codes": client.get("/admin/otp_static/staticdevice/"),
    }
    return {deed for deed, answer in deeds.items() if answer.status_code in (200, 302)}


READING = {"read a source"}
WRITING = READING | {
    "open the form of a concept",
    "write a concept",
    "write a category",
    "write a finding",
    "add a source",
}
REVIEWING = WRITING | {
    "change a source",
    "delete a source",
    "delete a concept",
    "change a red flag",
    "delete a red flag",
}
ADMINISTERING = REVIEWING | {"see accounts", "make an account", "change a role", "take a lost phone away"}


@pytest.mark.parametrize(
    ("role", "may"), [(roles.WRITER, WRITING), (roles.REVIEWER, REVIEWING), (roles.ADMINISTRATOR, ADMINISTERING)]
)
def test_forged_requests_get_as_far_as_the_role_goes(role, may):
    assert try_everything(logged_in(role)) == may


def test_what_a_writer_may_not_do_leaves_no_trace():
    try_everything(logged_in(roles.WRITER))
    assert Concept.objects.exists()
    assert Source.objects.exists()
    assert RedFlag.objects.exists()
    assert TOTPDevice.objects.exists()
    assert Alias.objects.exists()


def test_editor_without_a_role_sees_the_desk_and_nothing_in_it(client):
    client.force_login(make_editor(role=None))
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/glossary/concept/").status_code == 403


def test_account_that_is_no_editors_cannot_enter(client):
    user = User.objects.create_user("reader", password=PASSWORD)
    assert "do not belong together" in text(log_in(client, "reader"))
    client.force_login(user)
    assert client.get("/admin/").status_code == 302
    assert client.get(SECOND).status_code == 302


def test_permission_to_publish_goes_to_reviewers_once_a_model_has_it():
    publish = Group.objects.get(name=roles.REVIEWER).permissions.model.objects.get_or_create(
        codename="publish_concept",
        content_type=Group.objects.get(name=roles.REVIEWER).permissions.get(codename="add_concept").content_type,
        defaults={"name": "Can publish concept"},
    )[0]
    call_command("migrate", verbosity=0)
    assert set(publish.group_set.values_list("name", flat=True)) == {roles.REVIEWER, roles.ADMINISTRATOR}


def test_migrating_again_gives_back_what_the_table_says_and_keeps_what_was_added_by_hand():
    writer = Group.objects.get(name=roles.WRITER)
    permissions = writer.permissions.model.objects
    writer.permissions.remove(permissions.get(codename="add_concept"))
    writer.permissions.add(permissions.get(codename="change_source"))
    before = writer.permissions.count()
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0)
    held = set(writer.permissions.values_list("codename", flat=True))
    assert {"add_concept", "change_source"} <= held
    assert len(held) == before + 1
    assert Group.objects.count() == 3


def test_administrator_makes_an_editor_but_never_a_superuser(client):
    client.force_login(make_editor())
    writer = Group.objects.get(name=roles.WRITER)
    data = {"username": "willa", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    client.post("/admin/auth/user/add/", data | {"groups": [writer.pk], "is_superuser": "on"})
    willa = User.objects.get(username="willa")
    assert (willa.is_staff, willa.is_superuser, list(willa.groups.all())) == (True, False, [writer])
    data = {"username": "willa", "is_active": "on", "is_staff": "on", "is_superuser": "on", "groups": [writer.pk]}
    joined = timezone.localtime(willa.date_joined)
    data |= {"date_joined_0": joined.date().isoformat(), "date_joined_1": joined.time().isoformat("seconds")}
    data["email"] = "willa@example.org"
    client.post(f"/admin/auth/user/{willa.pk}/change/", data)
    willa.refresh_from_db()
    assert (willa.email, willa.is_superuser) == ("willa@example.org", False)
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    for deed in ("change", "delete", "password"):
        assert client.post(f"/admin/auth/user/{boss.pk}/{deed}/", {"post": "yes"}).status_code == 403, deed


# --- Second factor


def enrol(client):
    """Go through the set-up as an editor does; gives the phone and the page of codes."""
    page = client.get(SECOND)
    assert "<svg" in page.content.decode()
    secret = client.session["second_factor_pending"]["key"]
    code = f"{totp(bytes.fromhex(secret)):06d}"
    return client.post(SECOND, {"code": f"{code[:3]} {code[3:]}"}, follow=True)


def test_editor_without_a_phone_is_led_to_setting_one_up_and_can_do_nothing_else(client, second_factor):
    make_editor()
    response = log_in(client)
    response = client.get(response.url, follow=True)
    assert response.redirect_chain[-1][0].startswith(SECOND)
    for url in ("/admin/glossary/concept/", "/admin/glossary/concept/add/", "/admin/password_change/"):
        assert client.get(url).url.startswith(LOG_IN), url
    concept = make_concept(name="As it was")
    client.post(f"/admin/glossary/concept/{concept.pk}/delete/", {"post": "yes"})
    assert Concept.objects.filter(pk=concept.pk).exists()
    assert "What would you like" not in text(response)
    assert client.post("/admin/logout/").url == LOG_IN
    assert "_auth_user_id" not in client.session


def test_setting_up_takes_a_code_then_shows_ten_recovery_codes_once(client, second_factor):
    user = make_editor()
    log_in(client)
    wrong = client.post(SECOND, {"code": "000000"})
    assert "does not fit this key" in text(wrong)
    assert not TOTPDevice.objects.exists()
    page = enrol(client)
    shown = re.findall(r"<code>(\w{4}-\w{4})</code>", page.content.decode())
    assert len(shown) == 10
    assert {code.replace("-", "") for code in shown} == set(
        StaticDevice.objects.get(user=user).token_set.values_list("token", flat=True)
    )
    file = client.get("/admin/second-factor/codes.txt")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert all(code in file.content.decode() for code in shown)
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/second-factor/codes/").url == "/admin/"
    assert client.get("/admin/second-factor/codes/").url == SECOND
    assert client.get("/admin/second-factor/codes.txt").url == SECOND
    assert not any(shown[0] in session.session_data for session in Session.objects.all())


def test_editor_comes_back_after_setting_up_to_where_they_were_going_and_never_to_another_site(client, second_factor):
    make_editor()
    log_in(client)
    client.get(SECOND)
    secret = client.session["second_factor_pending"]["key"]
    client.post(SECOND, {"code": f"{totp(bytes.fromhex(secret)):06d}", "next": "/admin/glossary/source/"})
    assert client.post("/admin/second-factor/codes/").url == "/admin/glossary/source/"
    client.logout()
    TOTPDevice.objects.all().delete()
    log_in(client)
    client.get(SECOND)
    secret = client.session["second_factor_pending"]["key"]
    client.post(SECOND, {"code": f"{totp(bytes.fromhex(secret)):06d}", "next": "https://evil.example/"})
    assert client.post("/admin/second-factor/codes/").url == "/admin/"


def test_log_in_asks_for_the_code_and_takes_the_right_one_once(client, second_factor):
    phone = make_phone(make_editor())
    assert "give the code from your phone" in text(log_in(client))
    assert client.get("/admin/").status_code == 302
    code = code_of(phone)
    assert log_in(client, code=f" {code[:3]} {code[3:]} ").url == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert "was used before" in text(log_in(Client(), code=code))


def test_wrong_codes_are_refused_and_slow_down(client, second_factor):
    phone = make_phone(make_editor())
    wrong = f"{(int(code_of(phone)) + 500_000) % 1_000_000:06d}"
    assert "That code is not right" in text(log_in(client, code=wrong))
    answer = text(log_in(client, code=code_of(phone)))
    assert "Too many wrong codes. Wait 1 seconds" in answer
    assert client.get("/admin/").status_code == 302
    call_command("unlock", "anna", stdout=io.StringIO())
    assert log_in(client, code=code_of(phone)).status_code == 302


def test_recovery_code_works_once_and_a_wrong_one_does_not_slow_down_the_phone(client, second_factor):
    user = make_editor()
    phone = make_phone(user)
    codes = new_codes(user)
    assert log_in(client, code=codes[0].upper()).url == "/admin/"
    assert client.get("/admin/").status_code == 200
    other = Client()
    assert "That code is not right" in text(log_in(other, code=codes[0]))
    assert log_in(other, code=code_of(phone)).url == "/admin/"


def test_phone_is_asked_for_even_where_nobody_has_to_have_one(client):
    phone = make_phone(make_editor())
    assert not settings.SECOND_FACTOR
    assert "give the code" in text(log_in(client))
    assert log_in(client, code=code_of(phone)).status_code == 302


def test_right_code_with_a_wrong_password_is_not_used_up(client, second_factor):
    phone = make_phone(make_editor())
    code = code_of(phone)
    assert "do not belong together" in text(log_in(client, password="wrong", code=code))
    assert log_in(client, code=code).status_code == 302


def test_code_of_another_editor_is_of_no_use(client, second_factor):
    make_phone(make_editor())
    other = make_editor("other")
    assert "not right" in text(log_in(client, code=code_of(make_phone(other))))
    assert "not right" in text(log_in(client, code=new_codes(other)[0]))


def test_new_recovery_codes_need_a_fresh_code_and_end_the_old_ones(client, second_factor):
    user = make_editor()
    phone, old = make_phone(user), new_codes(user)
    log_in(client, code=code_of(phone))
    assert "not right" in text(client.post(SECOND, {"code": "aaaa-aaaa", "do": "codes"}))
    call_command("unlock", "anna", stdout=io.StringIO())
    response = client.post(SECOND, {"code": old[1], "do": "codes"}, follow=True)
    shown = re.findall(r"<code>(\w{4}-\w{4})</code>", response.content.decode())
    assert len(set(shown) | set(old)) == 20
    assert "not right" in text(log_in(Client(), code=old[2]))


def test_other_phone_replaces_the_old_one_only_after_a_code_from_each(client, second_factor):
    user = make_editor()
    phone, codes = make_phone(user), new_codes(user)
    log_in(client, code=codes[0])
    client.post(SECOND, {"code": codes[1], "do": "phone"})
    assert TOTPDevice.objects.get() == phone
    enrol(client)
    assert TOTPDevice.objects.get() != phone
    assert client.get("/admin/").status_code == 200


def test_key_handed_out_before_a_phone_was_set_up_cannot_replace_it_afterwards(client, second_factor):
    user = make_editor()
    log_in(client)
    client.get(SECOND)
    secret = client.session["second_factor_pending"]["key"]
    phone = make_phone(user)
    client.post(SECOND, {"code": f"{totp(bytes.fromhex(secret)):06d}"})
    assert TOTPDevice.objects.get() == phone


def test_lost_phone_is_taken_away_by_command_and_ends_the_open_sessions(client, second_factor):
    user = make_editor()
    phone = make_phone(user)
    log_in(client, code=code_of(phone))
    said = io.StringIO()
    call_command("reset_second_factor", "anna", stdout=said)
    assert "let its owner log in soon" in said.getvalue()
    assert not TOTPDevice.objects.exists()
    assert client.get("/admin/").status_code == 302
    with pytest.raises(CommandError, match="no account 'nobody'"):
        call_command("reset_second_factor", "nobody")


def test_secret_of_a_phone_is_shown_to_no_administrator(client):
    phone = make_phone(make_editor("other"))
    client.force_login(User.objects.create_superuser("boss"))
    for url in ("", f"{phone.pk}/change/", f"{phone.pk}/config/", f"{phone.pk}/qrcode/"):
        assert phone.key not in client.get(f"/admin/otp_totp/totpdevice/{url}").content.decode(), url


# --- Guessing


def fail(client, name="anna", times=5, **more):
    for _ in range(times):
        response = log_in(client, name, "wrong", **more)
    return response


def test_fifth_wrong_password_locks_out_in_words_and_says_for_how_long(client):
    make_editor()
    assert fail(client, times=4).status_code == 200
    response = fail(client, times=1)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 900
    assert "Wait 15 minutes" in text(response)
    assert "Nobody else is held up" in text(response)
    assert log_in(client).status_code == 429  # not even the right one


def test_lock_out_hits_neither_the_office_nor_the_same_editor_elsewhere(client):
    make_editor()
    make_editor("colleague")
    assert fail(client, REMOTE_ADDR="198.51.100.7").status_code == 429
    assert log_in(Client(), "colleague", REMOTE_ADDR="198.51.100.7").status_code == 302
    assert log_in(Client(), REMOTE_ADDR="203.0.113.9").status_code == 302
    assert log_in(client, REMOTE_ADDR="198.51.100.7", HTTP_USER_AGENT="Other").status_code == 429


def test_whole_office_failing_once_each_locks_nobody_out(client):
    for n in range(30):
        make_editor(f"editor-{n}")
        assert fail(client, f"editor-{n}", times=4).status_code == 200
    assert log_in(client, "editor-3").status_code == 302


def test_lock_ends_after_a_quarter_of_an_hour_and_trying_on_does_not_prolong_it(client):
    make_editor()
    fail(client)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    response = fail(client, times=3)
    assert int(response.headers["Retry-After"]) <= 60
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert log_in(client).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_right_password_forgets_the_slips_before_it(client):
    make_editor()
    fail(client, times=4)
    log_in(client)
    assert fail(Client(), times=4).status_code == 200


def test_unlock_lets_in_at_once(client):
    make_editor()
    fail(client)
    said = io.StringIO()
    call_command("unlock", "anna", stdout=said)
    assert "can log in again" in said.getvalue()
    assert log_in(client).status_code == 302
    with pytest.raises(CommandError, match="no account"):
        call_command("unlock", "nobody")


def test_neither_password_nor_code_is_kept_or_logged(client, caplog):
    client.post(LOG_IN, {"username": "anna", "password": "s3cret-word", "code": "918273", "next": "/admin/"})
    (attempt,) = AccessAttempt.objects.values()
    for secret in ("s3cret-word", "918273"):
        assert secret not in str(attempt)
        assert secret not in caplog.text


@pytest.mark.parametrize("name", ["a" * 500, "nul\0here", "'; --", "аnna", ""])
def test_strange_user_name_is_an_error_in_words(client, name):
    response = log_in(client, name, "wrong")
    assert response.status_code == 200
    assert response.context["form"].errors
    assert all(len(attempt.username) <= 150 for attempt in AccessAttempt.objects.all())


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "address"),
    [
        (False, "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        (True, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (True, "10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (True, "10.0.0.1", "", "10.0.0.1"),
        (True, "10.0.0.1", "nonsense", None),
        (False, "", "", None),
        (False, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        (False, "::ffff:198.51.100.7", "", "198.51.100.7"),
    ],
)
def test_address_is_the_one_that_cannot_be_made_up(rf, settings, trusted, remote, forwarded, address):
    settings.TRUST_PROXY_HEADERS = trusted
    request = rf.get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


def test_lock_out_behind_a_trusted_proxy_goes_by_the_visitors_address(client, settings):
    settings.TRUST_PROXY_HEADERS = True
    make_editor()
    assert fail(client, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 429
    assert log_in(Client(), HTTP_X_FORWARDED_FOR="203.0.113.10").status_code == 302


# --- Sessions and forms


def test_editor_whose_session_ran_out_comes_back_to_the_form(client):
    make_editor()
    concept = make_concept()
    form = f"/admin/glossary/concept/{concept.pk}/change/"
    log_in(client)
    Session.objects.all().delete()
    response = client.post(form, {"name": "Typed for an hour"})
    assert response.url == f"{LOG_IN}?next={form}"
    page = client.get(response.url)
    assert f'name="next" value="{form}"' in page.content.decode()
    response = client.post(response.url, {"username": "anna", "password": PASSWORD, "code": "", "next": form})
    assert response.url == form
    assert client.get(form).status_code == 200


def test_log_in_never_leads_to_another_site(client):
    make_editor()
    data = {"username": "anna", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(LOG_IN, data).url == "/admin/"


def test_new_password_ends_the_other_sessions(client):
    make_editor()
    other = Client()
    log_in(client)
    log_in(other)
    data = {"old_password": PASSWORD, "new_password1": "another four words", "new_password2": "another four words"}
    assert client.post("/admin/password_change/", data).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302


def test_log_out_is_by_form_only(client):
    client.force_login(make_editor())
    assert client.get("/admin/logout/").status_code == 405
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/logout/").url == LOG_IN
    assert client.get("/admin/").status_code == 302


def test_nothing_of_the_desk_is_kept_by_browser_or_proxy(client):
    assert "no-store" in client.get(LOG_IN).headers["Cache-Control"]
    client.force_login(make_editor())
    for url in ("/admin/", "/admin/password_change/", "/admin/glossary/concept/", SECOND):
        assert "no-store" in client.get(url).headers["Cache-Control"], url


def test_session_cookie_is_out_of_reach_of_scripts(client):
    make_editor()
    cookie = log_in(client).cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 12 * 3600)


@pytest.fixture
def strict():
    """A client that checks form tokens, as browsers meet it."""
    return Client(enforce_csrf_checks=True)


def test_stale_form_of_an_editor_can_be_sent_again_with_all_that_was_typed(strict):
    strict.force_login(make_editor())
    typed = "First line\r\n<b>second</b>"
    data = {"csrfmiddlewaretoken": "x" * 64, "key": "kept", "title": typed, "_save": "Save"}
    response = strict.post("/admin/glossary/source/add/", data, HTTP_SEC_FETCH_SITE="same-origin")
    page = response.content.decode()
    assert response.status_code == 403
    assert "nothing is lost" in page
    assert "&lt;b&gt;second&lt;/b&gt;" in page
    assert 'action="/admin/glossary/source/add/"' in page
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)
    again = strict.post("/admin/glossary/source/add/", data | {"csrfmiddlewaretoken": token})
    assert again.status_code == 200  # the form itself, asking for the rest
    assert again.context["adminform"].form["title"].value() == typed.replace("\r", "")


@pytest.mark.parametrize("origin", ["cross-site", "same-site", None])
def test_forged_form_from_elsewhere_shows_none_of_its_words(strict, origin):
    strict.force_login(make_editor())
    headers = {"HTTP_SEC_FETCH_SITE": origin} if origin else {}
    response = strict.post("/admin/glossary/source/add/", {"title": "Call this number"}, **headers)
    assert response.status_code == 403
    assert "Call this number" not in text(response)
    assert "This form was too old, or came from elsewhere" in text(response)


def test_password_in_a_stale_form_is_not_shown(strict):
    response = strict.post(
        LOG_IN, {"username": "anna", "password": PASSWORD, "code": "1"}, HTTP_SEC_FETCH_SITE="same-origin"
    )
    assert response.status_code == 403
    assert PASSWORD not in response.content.decode()


# --- Commands


def piped(monkeypatch, *arguments, password=PASSWORD):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    said = io.StringIO()
    call_command("make_editor", *arguments, "--password-from-stdin", stdout=said)
    return said.getvalue()


@pytest.mark.parametrize("role", roles.ROLES)
def test_first_editor_in_one_command(monkeypatch, client, role):
    said = piped(monkeypatch, "anna", "--role", role.lower(), "--email", "anna@example.org")
    assert "/admin/" in said
    anna = User.objects.get(username="anna")
    assert (anna.email, anna.is_staff, anna.is_superuser) == ("anna@example.org", True, False)
    assert [group.name for group in anna.groups.all()] == [role]
    assert log_in(client).status_code == 302
    assert client.get("/admin/glossary/concept/").status_code == 200


@pytest.mark.parametrize(
    ("name", "password", "complaint"),
    [
        ("anna", "short", "at least 12 characters"),
        ("anna", "", "at least 12 characters"),
        ("anna", "password1234", "too common"),
        ("annabel-miller", "annabel-miller1", "too similar to the username"),
        ("an na", PASSWORD, "valid username"),
        ("a" * 200, PASSWORD, "150 characters"),
        ("taken", PASSWORD, "an account 'taken' already"),
    ],
)
def test_weak_password_or_bad_name_is_refused_in_words(monkeypatch, name, password, complaint):
    User.objects.create_user("taken")
    with pytest.raises(CommandError, match=complaint):
        piped(monkeypatch, name, "--role", "writer", password=password)
    assert User.objects.count() == 1


def test_typed_password_is_asked_for_until_it_will_do(monkeypatch):
    typed = iter(["short", "short", PASSWORD, "something else", PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    said = io.StringIO()
    call_command("make_editor", "anna", "--role", "writer", stdout=io.StringIO(), stderr=said)
    assert "at least 12 characters" in said.getvalue()
    assert "not the same" in said.getvalue()
    assert User.objects.get().check_password(PASSWORD)


# --- What the public pages must not notice


def test_public_pages_set_no_cookie_and_do_not_look_who_asks(client, django_assert_num_queries):
    concept = make_concept()
    for url in ("/", concept.get_absolute_url(), "/compare/", "/check/"):
        assert not client.get(url).cookies, url
        assert "Cookie" not in client.get(url).headers.get("Vary", ""), url
    client.force_login(make_editor())
    with django_assert_num_queries(0):
        assert not client.get("/healthz").cookies


def test_log_in_costs_a_fixed_number_of_queries(client, second_factor, django_assert_num_queries):
    user = make_editor()
    phone = make_phone(user)
    new_codes(user)
    for n in range(50):
        make_phone(make_editor(f"editor-{n}"))
    code = code_of(phone)
    with django_assert_num_queries(16):
        assert log_in(client, code=code).status_code == 302


def test_desk_has_the_colours_of_the_site():
    def tokens(name):
        css = (Path(settings.BASE_DIR) / "static/css" / name).read_text()
        return re.findall(r"(--[\w-]+): (#\w{6});", css)

    site, desk = tokens("site.css"), tokens("desk.css")
    own = {"--shade", "--accent-strong"}
    assert len(desk) > 20
    assert [token for token in desk if token not in site and token[0] not in own] == []
