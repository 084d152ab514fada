"""The admin API, as its reader sees it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NoReturn, NotRequired, TypedDict, TypeVar, cast
from urllib.parse import quote

import aiohttp
import typer
from yarl import URL

from journeytrace_collector.cli.terminal import plain

__all__ = [
    "AdminClient",
    "ApiError",
    "Clock",
    "Comparison",
    "Destination",
    "Diff",
    "Erasable",
    "Erased",
    "Event",
    "Funnel",
    "LossGroup",
    "LossShare",
    "LossStep",
    "Outbox",
    "Page",
    "Parked",
    "Proposal",
    "Replayed",
    "ReplayedRule",
    "Report",
    "Rule",
    "Side",
    "Step",
    "Summary",
    "Timeline",
    "Unknown",
    "connect",
    "run",
]

_PAGE: Final = 200
_SEARCHES: Final = 20
_NEWEST: Final = 10
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, connect=5)

T = TypeVar("T")


class Why(TypedDict):
    """The cause of what a session has come to (DESIGN section 15)."""

    text: str
    reason: str | None
    meaning: str | None
    event: str | None
    event_at: str | None
    error_code: str | None
    error_meaning: NotRequired[str | None]
    error_page: NotRequired[str | None]
    screen: str | None


class Proposal(TypedDict):
    """A decision that waits for a second person."""

    decision: str
    reason: str | None
    text: str | None
    proposed_by: str
    proposed_at: str


class Summary(TypedDict):
    """One session (DESIGN section 9). Times are RFC 3339 in UTC; None: unknown, or not yet."""

    session_id: str
    trace_id: str
    support_code: str
    project_id: str | None
    submission_id: str | None
    flow_id: NotRequired[str | None]
    user_id: str | None
    email: str | None
    created_at: str
    last_event: str
    last_event_at: str
    status: str
    decision: str | None
    reason: str | None
    decided_at: str | None
    decided_by: NotRequired[str | None]
    decision_confirmed: NotRequired[bool]
    reason_text: NotRequired[str | None]
    proposal: NotRequired[Proposal | None]
    automatic_decision: NotRequired[str | None]
    stage: str | None
    last_error_code: str | None
    last_error_meaning: NotRequired[str | None]
    last_error_page: NotRequired[str | None]
    events: int
    impacts: dict[str, int]
    retention_days: int
    expires_at: str
    settled_at: str | None
    revision: int
    why: Why | None
    violates: NotRequired[list[str]]


class Event(TypedDict):
    """One event of a session (DESIGN section 9)."""

    event_id: str
    name: str
    source: str
    stage: str | None
    impact: str
    result: str | None
    reason: str | None
    error_code: str | None
    error_meaning: NotRequired[str | None]
    error_page: NotRequired[str | None]
    at: str
    duration_ms: float | None
    service: str | None
    attributes: dict[str, Any]
    order_certain: NotRequired[bool | None]


class Clock(TypedDict):
    """How far the screen's clock is from the server's: see `insight.clocks`."""

    ahead_low: float
    ahead_high: float
    calls: int
    text: str


class Timeline(TypedDict):
    """The events of a session."""

    events: list[Event]
    clock: NotRequired[Clock | None]


class Report(TypedDict):
    """A report that was issued."""

    sha256: str
    key: str | None
    pdf: str
    """In Base64."""


class Page(TypedDict):
    """Part of the list."""

    sessions: list[Summary]
    next_cursor: str | None
    """Leads to the rest; None: there is none."""
    searched_until: str | None
    """Only sessions created since then were looked at; None: there are no others of interest."""


class Step(TypedDict):
    """One stage of the funnel: see `core.funnel`. Shares are 0 to 1; None: of nobody."""

    stage: str
    sessions: int
    of_before: float | None
    of_all: float | None
    dropped: int


class LossShare(TypedDict):
    """A share, 0 to 1, with its 95 % interval."""

    estimate: float
    low: float
    high: float


class LossStep(TypedDict):
    """What screen and server together say of one stage: see `insight.loss`."""

    stage: str
    screen: str | None
    server: str | None
    known: int
    seen_by_screen: int
    seen_by_server: int
    seen_by_both: int
    screen_loss: LossShare | None
    screen_loss_leaving: LossShare | None
    neither: int
    server_loss: LossShare | None
    estimate: int | None
    low: int | None
    high: int | None
    since: str | None
    left: LossShare | None
    left_by_screen: float | None
    independent: bool | None
    refusal: str | None


class LossGroup(TypedDict):
    """The same of some sessions."""

    name: str | None
    sessions: int
    steps: list[LossStep]
    others: bool


class Funnel(TypedDict):
    """How far sessions came: how many there are, and each stage in the order of the journey."""

    sessions: int
    steps: list[Step]
    by: str | None
    loss: list[LossGroup] | None


class Side(TypedDict):
    """One of two cohorts: see `insight.diff.Side`."""

    name: str
    sessions: int
    going_on: int
    of: int
    sampled: bool


class Comparison(TypedDict):
    """One thing, in two cohorts: see `insight.diff.Comparison`."""

    kind: str
    name: str
    of: str | None
    a: float | None
    b: float | None
    a_of: int
    b_of: int
    change: float | None
    low: float | None
    high: float | None
    p: float | None
    named: bool
    text: str


class Diff(TypedDict):
    """What differs between two cohorts."""

    a: Side
    b: Side
    both: int
    words: list[str]
    comparisons: list[Comparison]


class Rule(TypedDict):
    """A rule that sessions are held against, and how many violate it as they are now."""

    name: str
    meaning: str
    demands: str
    own: bool
    sessions: int
    more: bool
    """Whether there can be more of them."""


class ReplayedRule(TypedDict):
    """What a rule says of the past."""

    name: str
    meaning: str
    sessions: int
    newest: list[dict[str, str]]
    """``session_id`` and ``created_at`` of the newest, ten at most."""


class Replayed(TypedDict):
    """What rules say of the sessions that were looked at."""

    checked: int
    rules: list[ReplayedRule]


class Destination(TypedDict):
    """How one destination of the outbox is doing; a time that is None: there is no such parcel."""

    name: str
    waiting: int
    oldest_at: str | None
    backing_off: int
    backing_off_since: str | None
    parked: int


class Parked(TypedDict):
    """A parcel that its receiver will never take as it is."""

    id: int
    destination: str
    session_id: str | None
    since: str
    reason: str


class Outbox(TypedDict):
    """What waits to leave, and the newest of what is parked."""

    destinations: list[Destination]
    parked: list[Parked]


class Unknown(TypedDict):
    """Names that are not in the catalogue."""

    names: list[dict[str, Any]]
    complete: bool
    """False: there were more than are told."""
    toml: str
    """What a catalogue file would have to say of them."""


class Erasable(TypedDict):
    """What an erasure would erase."""

    sessions: int
    events: int


class Erased(TypedDict):
    """What an erasure has erased."""

    erased: int
    """Sessions."""
    events: int


class ApiError(Exception):
    """The collector did not answer as asked. The message is for the user."""

    def __init__(self, message: str, exit_code: int, status: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """2: the request was wrong; 1: anything else."""
        self.status = status
        """Of the answer; None: there was none."""


class AdminClient:
    """Asks one collector. Every method raises `ApiError`."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def sessions(self, filters: Mapping[str, str], limit: int) -> Page:
        """Give the newest `limit` sessions that pass the filters; 0: all of them.

        Where those are rare it stops after `_SEARCHES` looks that did not fill a page.
        """
        found: list[Summary] = []
        cursor: str | None = None
        searches = 0
        while True:
            size = min(_PAGE, limit - len(found)) if limit else _PAGE
            query = {**filters, "limit": str(size)} | ({"cursor": cursor} if cursor else {})
            page = cast(Page, await self._get("sessions", query))
            found += page["sessions"]
            cursor = page["next_cursor"]
            until = page["searched_until"]
            searches += until is not None
            if cursor is None or (limit and len(found) >= limit):
                return {"sessions": found, "next_cursor": cursor, "searched_until": None}
            if limit and searches >= _SEARCHES:
                return {"sessions": found, "next_cursor": cursor, "searched_until": until}

    async def session(self, session_id: str, as_of: str | None = None) -> Summary:
        """Give one session; `as_of` (RFC 3339): as it was known then."""
        path = f"sessions/{quote(session_id, safe='')}"
        return cast(Summary, await self._get(path, _then(as_of)))

    async def events(self, session_id: str, as_of: str | None = None) -> list[Event]:
        """Give a session's events in order of (time, event id); `as_of`: see `session`."""
        return (await self.timeline(session_id, as_of))["events"]

    async def timeline(self, session_id: str, as_of: str | None = None) -> Timeline:
        """Give a session's events in their order, and how sure that is; `as_of`: see `session`."""
        path = f"sessions/{quote(session_id, safe='')}/events"
        return cast(Timeline, await self._get(path, _then(as_of)))

    async def report(self, session_id: str) -> Report:
        """Have the report of a session issued."""
        path = f"sessions/{quote(session_id, safe='')}/report"
        return cast(Report, await self._ask("POST", path, {}))

    async def funnel(self, filters: Mapping[str, str]) -> Funnel:
        """Give the funnel of the sessions that pass the filters."""
        return cast(Funnel, await self._get("funnel", filters))

    async def diff(self, filters: Mapping[str, str]) -> Diff:
        """Compare two cohorts of sessions."""
        return cast(Diff, await self._get("diff", filters))

    async def conformance(self) -> list[Rule]:
        """Give the rules that are in force."""
        return cast(list[Rule], (await self._get("conformance", {}))["rules"])

    async def replay(self, rules: str | None, filters: Mapping[str, str]) -> Replayed:
        """Hold the sessions that pass the filters against rules, those of a file's text if any."""
        checked, found = 0, dict[str, ReplayedRule]()
        cursor: str | None = None
        while True:
            query = {**filters} | ({"cursor": cursor} if cursor else {})
            part = await self._ask("POST", "conformance/replay", query, {"rules": rules})
            checked += part["checked"]
            for rule in cast(list[ReplayedRule], part["rules"]):
                known = found.setdefault(rule["name"], {**rule, "sessions": 0, "newest": []})
                known["sessions"] += rule["sessions"]
                known["newest"] = (known["newest"] + rule["newest"])[:_NEWEST]
            cursor = part["next_cursor"]
            if cursor is None:
                return {"checked": checked, "rules": list(found.values())}

    async def outbox(self, limit: int) -> Outbox:
        """Give the destinations and at most `limit` parked parcels, the newest first."""
        return cast(Outbox, await self._get("outbox", {"limit": str(limit)}))

    async def unknown(self) -> Unknown:
        """Give the names that came up since the collector started and are not in its catalogue."""
        return cast(Unknown, await self._get("catalogue/unknown", {}))

    async def requeue(self, ids: list[int] | None) -> int:
        """Put parked parcels (None: all) back in line; gives how many were parked."""
        answer = await self._ask("POST", "outbox/requeue", {}, {"ids": ids})
        return cast(int, answer["requeued"])

    async def erasable(self, subject: str, value: str) -> Erasable:
        """Tell how much there is of a ``session``, ``user`` or ``email``."""
        return cast(Erasable, await self._get("erasable", {subject: value}))

    async def erase(self, subject: str, value: str) -> Erased:
        """Erase it."""
        if subject == "session":
            answer = await self._ask("DELETE", f"sessions/{quote(value, safe='')}", {})
        else:
            answer = await self._ask("DELETE", "sessions", {subject: value})
        return cast(Erased, answer)

    async def discard(self, ids: list[int] | None) -> int:
        """Forget parked parcels (None: all) for good; gives how many were parked."""
        answer = await self._ask("POST", "outbox/discard", {}, {"ids": ids})
        return cast(int, answer["discarded"])

    async def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return await self._ask("GET", path, query)

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str], body: Any = None
    ) -> dict[str, Any]:
        url = URL(f"{self._url}/api/v1/{path}", encoded=True).with_query(query)
        try:
            async with self._http.request(
                method, url, json=body, allow_redirects=False
            ) as response:
                if response.status != 200:
                    await self._fail(response)
                return cast(dict[str, Any], await response.json())
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            self._unreachable(error)

    async def _fail(self, response: aiohttp.ClientResponse) -> NoReturn:
        try:
            message = (await response.json())["error"]["message"]
        except (aiohttp.ClientError, ValueError, LookupError, TypeError):
            message = f"{self._url} answered {response.status} {response.reason}"
        if response.status == 401:
            message = f"{self._url}: {message}; use --token or JOURNEYTRACE_ADMIN_TOKEN"
        raise ApiError(message, 2 if response.status == 400 else 1, response.status)

    def _unreachable(self, error: Exception) -> NoReturn:
        if isinstance(error, aiohttp.ClientSSLError):
            raise ApiError(
                f"{self._url}: no trusted TLS: {error}; name who has signed its certificate with "
                "--ca-file",
                1,
            ) from None
        if isinstance(error, aiohttp.ContentTypeError | ValueError):
            raise ApiError(f"what answers at {self._url} is no journeytrace collector", 1) from None
        raise ApiError(
            f"no collector answers at {self._url}; start one with `journeytrace collector`, "
            "or name another with --url",
            1,
        ) from None


@asynccontextmanager
async def connect(
    url: str, token: str | None = None, ca_file: Path | None = None
) -> AsyncIterator[AdminClient]:
    """Open a client for the admin address `url`, with or without ``http://`` in front.

    `token` None or empty: none is shown. `ca_file` None: the authorities the system trusts.
    """
    base = _base(url)
    headers = {"Authorization": f"Bearer {_token(token)}"} if token else {}
    connector = aiohttp.TCPConnector(ssl=_trust(ca_file) if ca_file else True)
    async with aiohttp.ClientSession(
        timeout=_TIMEOUT, headers=headers, connector=connector
    ) as http:
        yield AdminClient(http, base)


def _token(token: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise ApiError("--token: must be printable ASCII", 2)
    return token


def _trust(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = error.strerror or error
        raise ApiError(f"--ca-file: {ca_file} cannot be used: {reason}", 2) from None


def _base(url: str) -> str:
    base = (url if "://" in url else f"http://{url}").rstrip("/")
    try:
        parts = URL(base)
        usable = parts.scheme in {"http", "https"} and parts.host and parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ApiError(f"--url: must be an address such as http://127.0.0.1:9464, not {url!r}", 2)
    return base


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`; an `ApiError` ends the command with its message and exit code."""
    try:
        return asyncio.run(work)
    except ApiError as error:
        typer.echo(plain(str(error)), err=True)
        raise typer.Exit(error.exit_code) from None


def _then(as_of: str | None) -> dict[str, str]:
    return {"as_of": as_of} if as_of is not None else {}
