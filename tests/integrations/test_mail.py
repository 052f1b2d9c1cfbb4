from __future__ import annotations

import asyncio
import re
from email import message_from_bytes
from email.policy import default

import httpx2
import pytest
from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette

from app import create_app
from integrations.mail import FolderMailer, Mail, MailRefused, SmtpMailer, mailbox_folder, message_of, sender_of
from integrations.mail_texts import TEMPLATES, compose
from pages.mailbox import mailbox_routes
from settings import Settings, SettingsError
from translations import Reader

FROM = "Wingding <noreply@example.org>"
SENDER = sender_of(FROM)
VALUES = {"title": "Прогулка отменена", "body": "Её не будет.", "name": "Ада", "link": "https://example.org/x?token=1"}


@pytest.mark.parametrize("locale", ["ru", "en"])
@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_mail_can_be_written_in_every_language(template: str, locale: str) -> None:
    mail = compose(template, key="key", to="ada@example.org", reader=Reader(locale), **VALUES)

    assert "{" not in mail.subject + mail.text
    assert VALUES["link"] in mail.text
    assert f'href="{VALUES["link"]}"' in mail.html
    assert f'<html lang="{locale}">' in mail.html
    assert bool(re.search("[а-я]", mail.subject)) is (locale == "ru" or template == "notification")


def test_html_is_escaped_and_text_is_not() -> None:
    mail = compose(
        "notification",
        key="key",
        to="ada@example.org",
        reader=Reader("en"),
        title="<b>&",
        body='<script>"x"</script>',
        link=None,
    )

    assert "<script>" not in mail.html and "&lt;script&gt;" in mail.html
    assert '<script>"x"</script>' in mail.text


def test_no_value_can_add_a_header() -> None:
    title = "Walk\r\nBcc: victim@example.org\x00\u2028Bcc: other@example.org"
    mail = compose("notification", key="key", to="ada@example.org", reader=Reader("en"), title=title, body="")

    message = read(message_of(mail, SENDER).as_bytes())

    assert message["Bcc"] is None
    assert message["Subject"] == "Walk Bcc: victim@example.org Bcc: other@example.org"


def test_a_long_subject_keeps_its_spaces_wherever_it_is_folded() -> None:
    for length in range(1, 60):
        for subject in (
            f"{'я' * length} почты как свой адрес и ещё {'ж' * length} раз",
            f"{'a' * length} walk by the sea " * 2,
        ):
            written = message_of(Mail("k", "ada@example.org", subject.strip(), "t", "h"), SENDER).as_bytes()

            assert read(written)["Subject"] == subject.strip()
            assert max(map(len, written.partition(b"\r\nDate")[0].split(b"\r\n"))) <= 78


async def test_a_mail_sent_again_under_its_key_is_the_same_mail(tmp_path) -> None:
    mailer = FolderMailer(tmp_path / "mailbox", FROM)

    await mailer.send(Mail("abc-1", "ada@example.org", "Тема", "text", "<p>html</p>"))
    await mailer.send(Mail("abc-1", "ada@example.org", "Тема", "text", "<p>html</p>"))

    [file] = (tmp_path / "mailbox").iterdir()
    message = read(file.read_bytes())
    assert (file.name, message["Message-ID"], message["Subject"]) == ("abc-1.eml", "<abc-1@example.org>", "Тема")


@pytest.mark.parametrize("key", ["../x", "a/b", "", "a b", "a\n"])
async def test_a_key_is_never_a_path(tmp_path, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        await FolderMailer(tmp_path, FROM).send(Mail(key, "ada@example.org", "s", "t", "h"))


class Inbox:
    """An SMTP server that answers the given way to the first recipients, then takes mail."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.mails: list[tuple[list[str], bytes]] = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.mails.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


@pytest.fixture
async def smtp():
    running = []

    async def start(*answers: str) -> tuple[str, Inbox]:
        inbox = Inbox(*answers)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(inbox, hostname="test", loop=loop), "127.0.0.1", 0)
        running.append(server)
        return f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", inbox

    yield start
    for server in running:
        server.close()


async def test_mail_goes_out_over_smtp(smtp) -> None:
    url, inbox = await smtp()

    await SmtpMailer(url, FROM).send(
        compose("verify_email", key="abc", to="ada@example.org", reader=Reader("ru"), **VALUES)
    )

    [(recipients, content)] = inbox.mails
    message = read(content)
    assert recipients == ["ada@example.org"]
    assert message["Subject"] == "Подтвердите адрес почты"
    assert message["Message-ID"] == "<abc@example.org>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("address", ["ada@faß.de", "ada@xn--fa-hia.de", "ada@FAẞ.de"])
async def test_the_server_is_given_the_domain_in_ascii_and_no_other(smtp, address: str) -> None:
    url, inbox = await smtp()

    await SmtpMailer(url, FROM).send(Mail("abc", address, "s", "t", "h"))

    [(recipients, content)] = inbox.mails
    assert recipients == ["ada@xn--fa-hia.de"]
    assert read(content)["To"] == "ada@xn--fa-hia.de"


async def test_a_refusal_for_good_differs_from_one_for_now(smtp) -> None:
    url, inbox = await smtp("550 no such user", "451 try later")
    mailer, mail = SmtpMailer(url, FROM), Mail("abc", "ada@example.org", "s", "t", "h")

    with pytest.raises(MailRefused):
        await mailer.send(mail)
    with pytest.raises(Exception, match=r"451|try later") as temporary:
        await mailer.send(mail)
    await mailer.send(mail)

    assert not isinstance(temporary.value, MailRefused)
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("url", ["http://host", "smtp:", "host:25"])
def test_a_wrong_smtp_url_is_named(url: str) -> None:
    with pytest.raises(SettingsError, match="SMTP_URL"):
        SmtpMailer(url, FROM)


async def test_the_mailbox_page_shows_mails_and_runs_nothing(environment, tmp_path) -> None:
    settings = Settings.load(environment | {"WINGDING_HOME": str(tmp_path)})
    mailer = FolderMailer(mailbox_folder(settings), FROM)
    await mailer.send(
        compose(
            "notification",
            key="k-1",
            to="ada@example.org",
            reader=Reader("en"),
            title="<img src=x>",
            body="<b>hi</b>",
            link="https://example.org/notifications",
        )
    )
    transport = httpx2.ASGITransport(create_app(settings))

    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        listed = await browser.get("/dev/mailbox")
        shown = await browser.get("/dev/mailbox/k-1")
        html = await browser.get("/dev/mailbox/k-1/html")
        missing = await browser.get("/dev/mailbox/k-2")
        outside = await browser.get("/dev/mailbox/..%2f..%2fetc%2fpasswd")

    assert [one.status_code for one in (listed, shown, html, missing, outside)] == [200, 200, 200, 404, 404]
    assert "&lt;img src=x&gt;" in listed.text and "<img" not in listed.text
    assert '<a href="https://example.org/notifications"' in shown.text and "&lt;b&gt;hi" in shown.text
    assert listed.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "sandbox" in html.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("wingding.localhost", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.1.5", 200),
        ("wingding.example", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil-localhost", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
async def test_the_mailbox_page_answers_to_its_own_names(environment, tmp_path, host, status) -> None:
    settings = Settings.load(
        environment | {"WINGDING_HOME": str(tmp_path), "PUBLIC_URL": "https://wingding.example:8443"}
    )
    app = Starlette(routes=mailbox_routes(settings))

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as browser:
        answer = await browser.get("/dev/mailbox", headers={"Host": host})

    assert answer.status_code == status


@pytest.mark.parametrize("values", [{"SMTP_URL": "smtp://127.0.0.1"}, {"PRODUCTION": "1"}])
def test_there_is_no_mailbox_page_where_mail_is_real(environment, values) -> None:
    settings = Settings.load(environment | {name: value for name, value in values.items() if name != "PRODUCTION"})
    if "PRODUCTION" in values:
        object.__setattr__(settings, "environment", "production")

    assert mailbox_routes(settings) == []


def read(content: bytes):
    return message_from_bytes(content, policy=default)
