"""Tokens, TLS and open addresses, against real ports."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import SecretStr
from tests.support.running import Enter, enter_in_background, free_settings
from typer.testing import CliRunner

from journeytrace_collector.cli import app
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.process import Collector
from journeytrace_collector.security import Access, Tokens
from journeytrace_collector.settings import Address, Settings, load_settings

TOKEN = "sender-0123456789abcdef"
OTHER = "sender-fedcba9876543210"
ADMIN = "reader-0123456789abcdef"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
EMPTY = ExportTraceServiceRequest().SerializeToString()
WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    f"Basic {TOKEN}",
    TOKEN,
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN.upper()}",
    f"Bearer {TOKEN} {TOKEN}",
    f"Bearer {ADMIN}",
]

Start = Callable[..., Collector]


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Enter contexts in a loop that runs beside the test."""
    with enter_in_background() as enter:
        yield enter


@pytest.fixture
def start(tmp_path: Path, enter: Enter) -> Start:
    """Start a collector with settings of the test's own."""

    def begin(**settings: Any) -> Collector:
        made: Collector = enter(Collector(free_settings(tmp_path / "data", **settings)))
        return made

    return begin


def export(channel: grpc.Channel, shown: str | None, body: bytes = EMPTY) -> grpc.StatusCode:
    """Send over gRPC and give the answer's code."""
    metadata = [("authorization", shown)] if shown is not None else []
    try:
        channel.unary_unary(EXPORT)(body, timeout=10, metadata=metadata)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def ask(
    address: Address,
    method: str,
    path: str,
    shown: str | None = None,
    *,
    kind: str = "application/x-protobuf",
    tls: ssl.SSLContext | None = None,
) -> Any:
    """Make one HTTP request and give the response with its ``body`` read."""
    connection = (
        http.client.HTTPSConnection(str(address), timeout=10, context=tls)
        if tls
        else http.client.HTTPConnection(str(address), timeout=10)
    )
    headers = {"Content-Type": kind} | ({"Authorization": shown} if shown is not None else {})
    try:
        connection.request(method, path, EMPTY if method == "POST" else None, headers)
        response: Any = connection.getresponse()
        response.body = response.read()
        return response
    finally:
        connection.close()


def test_grpc_senders_need_a_token(start: Start) -> None:
    """Without the right token every method answers UNAUTHENTICATED; with it, as ever."""
    collector = start(token=TOKEN)
    with grpc.insecure_channel(str(collector.otlp_grpc)) as channel:
        for shown in WRONG:
            assert export(channel, shown) is grpc.StatusCode.UNAUTHENTICATED, shown
        assert export(channel, f"Bearer {TOKEN}") is grpc.StatusCode.OK
        assert export(channel, f"bearer {TOKEN}") is grpc.StatusCode.OK
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/no.Such/Method")(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert TOKEN not in str(caught.value)


def test_refused_senders_are_counted_by_what_was_amiss(start: Start) -> None:
    """Over gRPC and HTTP together; who is let in is not."""
    collector = start(token=TOKEN)
    with grpc.insecure_channel(str(collector.otlp_grpc)) as channel:
        export(channel, None)
        export(channel, f"Bearer {TOKEN}")
    for shown in ("Bearer wrong", "Bearer wrong", f"Bearer {TOKEN}"):
        ask(collector.otlp_http, "POST", "/v1/traces", shown)
    page = ask(collector.admin, "GET", "/metrics", None).body.decode()
    found = re.findall(r'journey_collector_requests_refused_total\{reason="(\w+)"\} (\d+)', page)
    assert dict(found) == {"missing": "1", "wrong": "2", "host": "0", "origin": "0"}


def test_grpc_refuses_before_it_reads(start: Start) -> None:
    """A message over the limit is refused for its token, so it was never taken in."""
    collector = start(token=TOKEN, max_request_bytes=1_000)
    large = bytes(100_000)
    with grpc.insecure_channel(str(collector.otlp_grpc)) as channel:
        assert export(channel, None, large) is grpc.StatusCode.UNAUTHENTICATED
        refused = export(channel, f"Bearer {TOKEN}", large)
        assert refused is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("kind", ["application/x-protobuf", "application/json", "text/plain"])
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/nothing"])
def test_http_senders_need_a_token(start: Start, kind: str, path: str) -> None:
    """Without the right token each path answers 401, in the request's own form."""
    collector = start(token=TOKEN)
    for shown in WRONG:
        refused = ask(collector.otlp_http, "POST", path, shown, kind=kind)
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        if kind == "application/x-protobuf":
            assert Status.FromString(refused.body).code == 16
        else:
            assert json.loads(refused.body)["code"] == 16
    assert ask(collector.otlp_http, "POST", path, f"Bearer {TOKEN}", kind=kind).status != 401
    assert ask(collector.otlp_http, "POST", "/v1/traces", f"Bearer {TOKEN}").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/sessions"),
        ("GET", "/api/v1/sessions/x"),
        ("GET", "/api/v1/sessions/x/events"),
        ("GET", "/api/v1/outbox"),
        ("POST", "/api/v1/outbox/requeue"),
        ("POST", "/api/v1/outbox/discard"),
        ("GET", "/metrics"),
        ("GET", "/healthz/"),
        ("GET", "/nothing"),
    ],
)
def test_readers_need_a_token(start: Start, method: str, path: str) -> None:
    """Everything on the admin address but health asks for its own token, not the senders'."""
    collector = start(token=TOKEN, admin_token=ADMIN)
    for shown in (None, f"Bearer {TOKEN}"):
        refused = ask(collector.admin, method, path, shown)
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "token" in json.loads(refused.body)["error"]["message"]
    assert ask(collector.admin, method, path, f"Bearer {ADMIN}").status != 401


def test_health_needs_no_token(start: Start) -> None:
    """Whoever supervises the process has no token and needs none."""
    collector = start(admin_token=ADMIN)
    for path in ("/healthz", "/readyz"):
        assert ask(collector.admin, "GET", path).status == 200


def test_a_file_may_hold_several_tokens(start: Start, tmp_path: Path) -> None:
    """An old and a new token work side by side, so that senders can change over in peace."""
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n\n  {OTHER}\n")
    file.chmod(0o600)
    collector = start(token_file=file)
    with grpc.insecure_channel(str(collector.otlp_grpc)) as channel:
        assert export(channel, f"Bearer {TOKEN}") is grpc.StatusCode.OK
        assert export(channel, f"Bearer {OTHER}") is grpc.StatusCode.OK
        assert export(channel, f"Bearer {ADMIN}") is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"token": TOKEN, "token_file": "good"}, "token: stands beside token_file"),
        ({"token_file": "nowhere"}, "token_file: nowhere cannot be read"),
        ({"token_file": "empty"}, "token_file: empty holds no token"),
        ({"token_file": "binary"}, "token_file: binary is no text"),
        ({"admin_token_file": "bad"}, "admin_token_file: bad, line 2: must be 16 or more"),
        ({"token": TOKEN, "admin_token": TOKEN}, "admin_token: is also a token"),
        ({"tls_cert": "good"}, "tls_cert: needs tls_key beside it"),
        ({"tls_key": "good"}, "tls_key: needs tls_cert beside it"),
        ({"tls_client_ca": "good"}, "tls_client_ca: needs tls_cert and tls_key"),
        ({"tls_cert": "nowhere", "tls_key": "good"}, "tls_cert, tls_key: cannot be used"),
        ({"tls_cert": "good", "tls_key": "good"}, "tls_cert, tls_key: cannot be used"),
    ],
)
def test_unusable_settings(
    settings: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be used is one line with its key, and no token is in the line."""
    monkeypatch.chdir(tmp_path)
    Path("good").write_text(TOKEN)
    Path("empty").write_text("\n")
    Path("binary").write_bytes(b"\xff\xfe")
    Path("bad").write_text(f"{TOKEN}\nshort-secret")
    for name in ("good", "empty", "binary", "bad"):
        Path(name).chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        Access(Settings(**settings))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert "short-secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_open_address_without_a_token_is_refused(host: str) -> None:
    """Each port that others could reach unasked is named with what to do about it."""
    there = Address(host, 4317)
    with pytest.raises(ConfigError) as caught:
        Access(Settings(otlp_grpc=there, otlp_http=there, admin=there))
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["otlp_grpc", "otlp_http", "admin"]
    assert all(str(there) in line and "--insecure" in line for line in lines)
    assert "set token or token_file" in lines[0]
    assert "set admin_token or admin_token_file" in lines[2]


@pytest.mark.parametrize(
    "settings",
    [
        {"otlp_grpc": Address("0.0.0.0", 0), "token": TOKEN},
        {"otlp_http": Address("::", 0), "insecure": True},
        {"admin": Address("0.0.0.0", 0), "admin_token": ADMIN},
        {"admin": Address("localhost", 0)},
        {"admin": Address("::1", 0)},
        {"admin": Address("127.8.9.1", 0)},
    ],
    ids=str,
)
def test_addresses_that_are_allowed(settings: dict[str, Any]) -> None:
    """The loopback needs no token, a token opens any address, and so does --insecure."""
    Access(Settings(**settings))


def test_the_sender_s_token_does_not_open_the_admin_address() -> None:
    """A token for senders is no reason to let others read."""
    with pytest.raises(ConfigError, match=r"^admin: "):
        Access(Settings(admin=Address("0.0.0.0", 9464), token=SecretStr(TOKEN)))


def test_the_command_refuses_an_open_address(tmp_path: Path) -> None:
    """The refusal ends the command with 2, one line a port, before anything is made."""
    words = ["collector", "--data", str(tmp_path / "data"), "--admin", "0.0.0.0:0"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("admin: 0.0.0.0:0 can be reached from other machines")
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_tokens_appear_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither text of settings nor any line that is logged holds a token."""
    monkeypatch.setenv("JOURNEYTRACE_TOKEN", TOKEN)
    file = tmp_path / "journeytrace.yaml"
    file.write_text(f"admin_token: {ADMIN}\n")
    free = dict.fromkeys(("otlp_grpc", "otlp_http", "admin"), "127.0.0.1:0")
    settings = load_settings(file, {"data": str(tmp_path / "data"), **free})
    for name in ("aiohttp", "journeytrace_collector"):
        caplog.set_level(logging.DEBUG, name)

    async def scenario() -> None:
        async with Collector(settings) as collector:
            for address in (collector.otlp_http, collector.admin):
                for shown in (TOKEN, ADMIN, f"Bearer {TOKEN}", f"Bearer {ADMIN}"):
                    await asyncio.to_thread(ask, address, "POST", "/v1/traces", shown)

    asyncio.run(scenario())
    shown = [repr(settings), str(settings), repr(Access(settings).senders), caplog.text]
    shown += [str(dict(settings)), repr(Tokens([TOKEN]))]
    assert not re.search(f"{TOKEN}|{ADMIN}", "".join(shown))


@pytest.mark.parametrize(
    "line",
    [
        "token: secretly",
        "token: secretly white spaced",
        "admin_token: [secretly]",
        'token: "secretly',
        "token: *secretly",
        "token: !secretly x",
        "token: {secretly",
        "token: secretly: x",
        "tokens: secretly",
    ],
)
def test_a_faulty_token_is_not_repeated(tmp_path: Path, line: str) -> None:
    """The message about a faulty line leaves out what stands in it."""
    file = tmp_path / "journeytrace.yaml"
    file.write_text(f"log_level: INFO\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert str(file) in str(caught.value)
    assert "secretly" not in str(caught.value)
    with pytest.raises(ValueError, match="token") as raw:
        Settings(token="secretly")  # type: ignore[arg-type] # read from text
    assert "secretly" not in str(raw.value)


@dataclass
class Certificates:
    """Files of an authority, and what it has signed."""

    folder: Path
    authority: trustme.CA

    @property
    def ca(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "ca.pem"

    def settings(self) -> dict[str, Any]:
        """Settings of a server on the loopback."""
        return {"tls_cert": self.folder / "cert.pem", "tls_key": self.folder / "key.pem"}

    def context(self, *, own: bool = False) -> ssl.SSLContext:
        """A client's context; `own`: with a certificate of its own."""
        context = ssl.create_default_context(cafile=self.ca)
        if own:
            self.authority.issue_cert("sender.example").configure_cert(context)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority and a server's certificate for the loopback."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "key.pem").chmod(0o600)
    for pem in issued.cert_chain_pems:
        pem.write_to_path(folder / "cert.pem", append=True)
    return Certificates(folder, authority)


def test_tls_on_all_ports(start: Start, certificates: Certificates) -> None:
    """With a certificate each port talks TLS, with tokens as before, and nothing else."""
    collector = start(token=TOKEN, admin_token=ADMIN, **certificates.settings())
    trusting = grpc.ssl_channel_credentials(certificates.ca.read_bytes())
    with grpc.secure_channel(str(collector.otlp_grpc), trusting) as channel:
        assert export(channel, f"Bearer {TOKEN}") is grpc.StatusCode.OK
        assert export(channel, None) is grpc.StatusCode.UNAUTHENTICATED
    with grpc.insecure_channel(str(collector.otlp_grpc)) as channel:
        assert export(channel, f"Bearer {TOKEN}") is grpc.StatusCode.UNAVAILABLE
    context = certificates.context()
    sent = ask(collector.otlp_http, "POST", "/v1/traces", f"Bearer {TOKEN}", tls=context)
    assert sent.status == 200
    read = ask(collector.admin, "GET", "/api/v1/sessions", f"Bearer {ADMIN}", tls=context)
    assert read.status == 200
    for address in (collector.otlp_http, collector.admin):
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(address, "GET", "/healthz")
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(address, "GET", "/healthz", tls=ssl.create_default_context())


def test_senders_with_certificates(start: Start, certificates: Certificates) -> None:
    """With an authority named, senders show a certificate of it; readers need none."""
    collector = start(tls_client_ca=certificates.ca, **certificates.settings())
    issued = certificates.authority.issue_cert("sender.example")
    key, chain = issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes()
    ca = certificates.ca.read_bytes()
    for credentials, expected in (
        (grpc.ssl_channel_credentials(ca, key, chain), grpc.StatusCode.OK),
        (grpc.ssl_channel_credentials(ca), grpc.StatusCode.UNAVAILABLE),
    ):
        with grpc.secure_channel(str(collector.otlp_grpc), credentials) as channel:
            assert export(channel, None) is expected
    known = certificates.context(own=True)
    assert ask(collector.otlp_http, "POST", "/v1/traces", tls=known).status == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(collector.otlp_http, "POST", "/v1/traces", tls=certificates.context())
    assert ask(collector.admin, "GET", "/healthz", tls=certificates.context()).status == 200


def test_a_client_authority_counts_as_asking_senders(certificates: Certificates) -> None:
    """Who asks senders for certificates needs no token beside them on an open address."""
    files = certificates.settings()
    there = Address("0.0.0.0", 4317)
    Access(Settings(otlp_grpc=there, tls_client_ca=certificates.ca, **files))
    with pytest.raises(ConfigError, match=r"^otlp_grpc: "):
        Access(Settings(otlp_grpc=there, **files))


def test_a_key_with_a_password_is_refused(certificates: Certificates, tmp_path: Path) -> None:
    """Nobody is asked for the password on a terminal that a service does not have."""
    from cryptography.hazmat.primitives import serialization as forms

    key = forms.load_pem_private_key((certificates.folder / "key.pem").read_bytes(), None)
    locked = tmp_path / "locked.pem"
    encryption = forms.BestAvailableEncryption(b"open sesame")
    pem = forms.PrivateFormat.TraditionalOpenSSL
    locked.write_bytes(key.private_bytes(forms.Encoding.PEM, pem, encryption))
    locked.chmod(0o600)
    with pytest.raises(ConfigError, match=r"^tls_cert, tls_key: cannot be used"):
        Access(Settings(tls_cert=certificates.folder / "cert.pem", tls_key=locked))


def test_the_commands_show_their_token(
    start: Start, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Token and authority open the admin address to each command, by flag or by variable."""
    collector = start(admin_token=ADMIN, **certificates.settings())
    there = ["--url", f"https://{collector.admin}", "--ca-file", str(certificates.ca)]
    for words in (
        ["sessions"],
        ["outbox"],
        ["outbox", "requeue", "--all"],
        ["outbox", "discard", "--all", "--yes"],
    ):
        refused = CliRunner().invoke(app, [*words, *there])
        assert refused.exit_code == 1
        assert "a token is missing" in refused.stderr
        assert "JOURNEYTRACE_ADMIN_TOKEN" in refused.stderr
        assert CliRunner().invoke(app, [*words, *there, "--token", ADMIN]).exit_code == 0
    monkeypatch.setenv("JOURNEYTRACE_ADMIN_TOKEN", ADMIN)
    assert CliRunner().invoke(app, ["sessions", *there]).exit_code == 0
    shown = CliRunner().invoke(app, ["show", "nobody", *there])
    assert "no session has the id" in shown.stderr
    assert ADMIN not in CliRunner().invoke(app, ["show", "--help"]).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--ca-file"),
        (("--ca-file", "nowhere"), "--ca-file: nowhere cannot be used: No such file"),
        (("--token", "a\nb"), "--token: must be printable ASCII"),
    ],
)
def test_the_commands_say_what_is_wrong_with_tls(
    start: Start, certificates: Certificates, words: tuple[str, ...], said: str
) -> None:
    """A certificate nobody vouches for, and flags that cannot be used, are one line each."""
    collector = start(**certificates.settings())
    answer = CliRunner().invoke(app, ["sessions", "--url", f"https://{collector.admin}", *words])
    assert answer.exit_code in {1, 2}
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1
