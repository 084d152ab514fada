"""The sections ``exporters.mail`` and ``exporters.sms``: what is taken, what a mistake says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.exporters.inviting.conftest import MakeContext

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings import Settings
from journeytrace_exporters import mail, sms

MAIL = {"host": "smtp.example.com", "sender": "KYC <kyc@example.com>"}
SMS: dict[str, Any] = {"url": "https://sms.example.com/send", "json_body": {"to": "{to}"}}


def test_where_nobody_is_invited_there_is_nothing_to_do(context: MakeContext) -> None:
    """No exporter is made; where somebody is, one that tells what it cannot send any more."""
    for module in (mail, sms):
        assert module.create(context(Settings())) is None
        assert module.create(context()) is not None


def test_the_usual_port_goes_with_the_encryption(context: MakeContext) -> None:
    """587, 465 or 25, unless another is given."""
    read = mail.MailSettings.model_validate
    ports = [read({**MAIL, "tls": tls}).real_port for tls in ("starttls", "implicit", "none")]
    assert [*ports, read({**MAIL, "port": 2525}).real_port] == [587, 465, 25, 2525]
    assert mail.create(context(**MAIL)) is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"host": ""}, "host: must be one line"),
        ({"sender": "nobody"}, "sender: must be an address"),
        ({"sender": "a@b.c\r\nBcc: eve@x.com"}, "sender: must be one line"),
        ({"subject": "a\r\nBcc: eve@x.com"}, "subject: must be one line"),
        ({"subject": "{nobody}"}, "subject: {nobody} is unknown; known are {expires}, {journey}"),
        ({"text": "come here"}, "text: has no {link} in it"),
        ({"text": "{link} {link.__class__}"}, "{link.__class__} is unknown"),
        ({"user": "me"}, "user: goes with a password"),
        ({"password": "secret-of-mine"}, "user: goes with a password"),
        ({"user": "me", "password": "secret-of-mine", "tls": "none"}, "where a password travels"),
        ({"port": 70_000}, "port: "),
        ({"tls": "maybe"}, "tls: "),
        ({"hots": "x"}, "hots: is unknown; known are host"),
        ({"ca_file": "/nowhere"}, "ca_file: cannot be used"),
        ({"user": "me", "password_file": "/nowhere"}, "password_file: "),
    ],
)
def test_what_is_wrong_with_mail_is_told(
    context: MakeContext, change: dict[str, Any], said: str
) -> None:
    """By its key, and without any secret."""
    with pytest.raises(ConfigError, match=r"exporters\.mail") as caught:
        mail.create(context(**{**MAIL, **change}))
    assert said in str(caught.value)
    assert "secret-of-mine" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://sms.example.com"}, "url must be https"),
        ({"url": "https://10.0.0.1/send"}, "url leads to 10.0.0.1"),
        ({"url": "https://169.254.169.254/latest"}, "url leads to 169.254.169.254"),
        ({"url": "https://{to}.example.com"}, "which host is asked"),
        ({"url": "https://u:p@sms.example.com"}, "must hold no user"),
        ({"url": "https://sms.example.com/{who}"}, "{who} is unknown"),
        ({"json_body": None}, "either json_body or form_body"),
        ({"form_body": {"to": "{to}"}}, "either json_body or form_body"),
        ({"json_body": {"deep": [{"to": "{form}"}]}}, "{form} is unknown"),
        ({"json_body": "x"}, "json_body: must hold keys and values"),
        ({"headers": {"X-Key": "secret-of-mine\r\nHost: y"}}, "must be one line of ASCII"),
        ({"headers": {"X Key": "x"}}, "cannot be the name of a header"),
        ({"idempotency_header": "a:b"}, "cannot be the name of a header"),
        ({"text": "come here"}, "text: has no {link} in it"),
        ({"user": "me"}, "user: goes with a password"),
    ],
)
def test_what_is_wrong_with_sms_is_told(
    context: MakeContext, change: dict[str, Any], said: str
) -> None:
    """By its key, and without any secret."""
    with pytest.raises(ConfigError, match=r"exporters\.sms") as caught:
        sms.create(context(**{**SMS, **change}))
    assert said in str(caught.value)
    assert "secret-of-mine" not in str(caught.value)


def test_secrets_come_from_files(context: MakeContext, tmp_path: Path) -> None:
    """As everywhere else, and not from one that everybody may read."""
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(0o600)
    assert sms.create(context(**SMS, user="me", password_file=str(file))) is not None
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read or replaced by everybody"):
        mail.create(context(**MAIL, user="me", password_file=str(file)))
