"""What somebody has of a session, its id, the beginning of that or its support code → the session.

The id wins: what begins the id of a session is never taken for the support code of another.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

import typer

from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import normalise_session_id
from journeytrace_collector.cli.client import AdminClient, ApiError, Page, Summary

__all__ = ["Several", "fail_for_several", "resolve"]

_MOST: Final = 20
_UUID_DIGITS: Final = re.compile(r"[0-9a-fA-F]{9,31}")
_UUID_GROUPS: Final = (8, 12, 16, 20)


class Several(Exception):  # noqa: N818 - nothing failed, but more has to be said
    """More than one session is meant."""

    def __init__(self, text: str, page: Page) -> None:
        super().__init__(text)
        self.text = text
        self.page = page


async def resolve(client: AdminClient, text: str) -> Summary:
    """Find the one session that is meant.

    Raises:
        Several: there are more.
        ApiError: there is none, or the collector did not answer.
    """
    found, begins = None, {"search": _hyphenated(text.strip()), "field": "session_id"}
    shared_code = False
    try:
        found = await client.session(text)
    except ApiError as error:
        if error.status not in {400, 404, 409}:
            raise
        shared_code = error.status == 409
    if found is not None and found["session_id"] == _normalised(text):
        return found
    page = await client.sessions(begins, _MOST)
    if not page["sessions"] and shared_code:
        page = await client.sessions({"search": text, "field": "support_code"}, _MOST)
    if len(page["sessions"]) > 1:
        raise Several(text, page)
    if page["sessions"]:
        return page["sessions"][0]
    if found is not None:
        return found
    raise ApiError(
        f"no session has the id {text!r}, an id that begins so, or that support code; look for it"
        f" by anything else with `journeytrace sessions --search`",
        1,
    )


def fail_for_several(several: Several) -> NoReturn:
    """Print the sessions among which to choose; ends the command."""
    from journeytrace_collector.cli.session_list import print_sessions  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415

    print_sessions(console(), several.page["sessions"])
    more = several.page["next_cursor"] is not None
    count = f"more than {_MOST}" if more else str(len(several.page["sessions"]))
    typer.echo(f"{count} sessions are called {several.text!r}: give more of the id.", err=True)
    raise typer.Exit(2)


def _normalised(text: str) -> str | None:
    try:
        return normalise_session_id(text.strip())
    except InvalidSessionIdError:
        return None


def _hyphenated(text: str) -> str:
    """Put the hyphens into the beginning of a UUID that was copied without them."""
    if not _UUID_DIGITS.fullmatch(text):
        return text
    ends = [end for end in _UUID_GROUPS if end < len(text)]
    parts = zip([0, *ends], [*ends, len(text)], strict=True)
    return "-".join(text[start:end] for start, end in parts)
