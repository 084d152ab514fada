"""New sessions: a link that is made, handed over, sent and taken back; and the list of them.

The link is shown in the answer to the form that makes it, and nowhere else: of its token only the
digest is kept. So that page cannot be led to by an address; its forms carry the token with them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import segno
from aiohttp import web
from markupsafe import Markup

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.core.invitations import Channel, Invitation, Standing
from journeytrace_collector.invitations.inviting import Inviting, Link, read_recipient
from journeytrace_collector.security import browser_keys
from journeytrace_collector.settings.invitations import InvitedJourney
from journeytrace_collector.store.base import InvitationQuery
from journeytrace_desk.access.actor import Actor, Role, actor_of
from journeytrace_desk.access.scope import scope_of
from journeytrace_desk.forms import typed
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Reading
from journeytrace_desk.views.asked import PAGE_ROWS, link, stated
from journeytrace_desk.views.invitations import STANDINGS, Row, row

__all__ = ["InvitationPages"]

_MOST_TYPED: Final = 320
_NOT_YOURS: Final = "Only analysts of the journey's project invite people to it."
_GONE: Final = "This link leads nowhere any more: make a new session."


class InvitationPages:
    """Answers analysts."""

    def __init__(self, reading: Reading, pages: Pages) -> None:
        context = reading.context
        self._reading = reading
        self._pages = pages
        self._settings = context.settings.invitations
        self._store = context.store
        keys = browser_keys(context.settings)
        self._inviting = Inviting(
            self._settings, keys, context.store, context.record, context.clock
        )
        exporters = context.settings.exporters
        self._channels = [one for one in (Channel.MAIL, Channel.SMS) if exporters.get(one.value)]

    async def new(self, request: web.Request) -> web.Response:
        """Answer with the journeys that somebody can invite to."""
        return self._choice(actor_of(request))

    async def invite(self, request: web.Request) -> web.Response:
        """Make a session, and answer with its link."""
        given = await typed(request, "journey")
        actor = actor_of(request)
        key = given.get("journey", "")
        if key not in self._settings.journeys:
            return self._choice(actor, "Choose one of these journeys.", status=422)
        _check(actor, self._settings.journeys[key].project)
        return await self._shown(await self._inviting.invite(key, actor.id))

    async def link(self, request: web.Request) -> web.Response:
        """Answer with a link once more, for whoever has it on the screen."""
        given = await typed(request, "token")
        return await self._shown(await self._of(request, given))

    async def send(self, request: web.Request) -> web.Response:
        """Have a link sent, and answer with it once more."""
        given = await typed(request, "token", "channel", "to", "once")
        its = await self._of(request, given)
        channel = next((one for one in self._channels if one == given.get("channel")), None)
        if channel is None:
            raise BadParameterError("channel", "is not set up", ", ".join(self._channels) or "none")
        to = given.get("to", "")
        try:
            recipient = read_recipient(channel, to[:_MOST_TYPED])
        except ValueError as error:
            wrong = {"channel": channel.value, "to": to, "said": str(error)}
            return await self._shown(its, wrong=wrong)
        if self._row(its.invitation, begun=False).standing != Standing.NOT_OPENED:
            raise web.HTTPConflict(text="The link is not open any more, so nothing was sent.")
        once = given.get("once", "")[:64]
        await self._inviting.send(its, channel, recipient, actor_of(request).id, once=once)
        return await self._shown(await self._of(request, given))

    async def revoke(self, request: web.Request) -> web.Response:
        """Take a link back, and lead to the list."""
        given = await typed(request, "id")
        try:
            digest = bytes.fromhex(given.get("id", ""))
        except ValueError:
            raise BadParameterError("id", "is none", "that of an invitation") from None
        found = await self._inviting.find(digest)
        if found is None:
            raise web.HTTPNotFound(text="There is no such invitation.")
        _check(actor_of(request), found.project)
        if found.revoked_at is None:
            await self._inviting.revoke(found, actor_of(request).id)
        raise web.HTTPSeeOther("/invitations")

    async def list(self, request: web.Request) -> web.Response:
        """Answer with the invitations, newest first."""
        given = stated(request.query)
        scope = scope_of(actor_of(request), Role.ANALYST)
        if scope is None:
            raise web.HTTPForbidden(text=_NOT_YOURS)
        stands = _standing(given)
        query = InvitationQuery(stands, scope, PAGE_ROWS, _after(given))
        now = self._reading.context.clock()
        found = await asyncio.to_thread(self._store.invitations, query, now)
        rows = [
            one
            for invited in found
            if (one := await self._described(invited.digest, invited.session_id))
        ]
        last = found[-1] if len(found) == PAGE_ROWS else None
        here: dict[str, str | None] = {"state": stands.value if stands else None}
        cursor = f"{last.invited_at}.{last.digest.hex()}" if last else None
        choices = [("all", link("/invitations", {}), stands is None)]
        choices += [
            (word, link("/invitations", {"state": one.value}), one is stands)
            for one, word in STANDINGS.items()
        ]
        return self._pages.answer(
            "invitations.html",
            rows=rows,
            choices=choices,
            follows=link("/invitations", {**here, "after": cursor}) if cursor else None,
            first="after" not in given,
            newest=link("/invitations", here),
        )

    async def _described(self, digest: bytes, session_id: str) -> Row | None:
        found = await self._inviting.find(digest)
        known = await asyncio.to_thread(self._store.session, session_id)
        return None if found is None else self._row(found, begun=known is not None)

    def _row(self, found: Invitation, *, begun: bool) -> Row:
        return row(found, self._settings, self._reading.context.clock(), begun=begun)

    def _mine(self, actor: Actor) -> dict[str, InvitedJourney]:
        return {
            key: journey
            for key, journey in self._settings.journeys.items()
            if actor.may(Role.ANALYST, journey.project)
        }

    def _choice(self, actor: Actor, wrong: str = "", *, status: int = 200) -> web.Response:
        mine = self._mine(actor)
        if self._settings.journeys and not mine:
            raise web.HTTPForbidden(text=_NOT_YOURS)
        journeys = [(key, self._settings.called(key), mine[key].project) for key in mine]
        return self._pages.answer("new.html", status=status, journeys=journeys, wrong=wrong)

    async def _of(self, request: web.Request, given: Mapping[str, str]) -> Link:
        found = await self._inviting.link(given.get("token", ""))
        if found is None:
            raise web.HTTPNotFound(text=_GONE)
        _check(actor_of(request), found.invitation.project)
        return found

    async def _shown(self, its: Link, *, wrong: Mapping[str, str] | None = None) -> web.Response:
        draw = partial(segno.make_qr, its.address, error="m")
        code = (await asyncio.to_thread(draw)).svg_inline(
            border=4, dark="#000", light="#fff", omitsize=True, svgclass="code", lineclass=None
        )
        known = await asyncio.to_thread(self._store.session, its.invitation.session_id)
        values: dict[str, Any] = {
            "it": self._row(its.invitation, begun=known is not None),
            "key": its.invitation.journey,
            "offered": its.invitation.journey in self._settings.journeys,
            "address": its.address,
            "token": its.token,
            "code": Markup(code),  # noqa: S704 - drawn of the link alone
            "channels": [one.value for one in self._channels],
            # A button that is touched twice asks for one thing.
            "once": secrets.token_hex(8),
            "wrong": wrong,
        }
        return self._pages.answer("invitation.html", status=422 if wrong else 200, **values)


def _check(actor: Actor, project: str | None) -> None:
    if not actor.may(Role.ANALYST, project):
        raise web.HTTPForbidden(text=_NOT_YOURS)


def _standing(given: Mapping[str, str]) -> Standing | None:
    state = given.get("state")
    if state is None:
        return None
    if state not in set(Standing):
        raise BadParameterError("state", f"is {state!r}", ", ".join(Standing))
    return Standing(state)


def _after(given: Mapping[str, str]) -> tuple[int, bytes] | None:
    text = given.get("after")
    if text is None:
        return None
    at, _, digest = text.partition(".")
    try:
        if at.isascii() and at.isdigit() and len(at) < 20 and len(digest) == 64:
            return min(int(at), 2**63 - 1), bytes.fromhex(digest)
    except ValueError:
        pass
    raise BadParameterError("after", "leads nowhere", "an address that this page gave")
