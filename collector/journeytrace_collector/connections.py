"""The connections of the HTTP ports: bounded, and shared out so that nobody takes them all.

A server that takes whatever connects runs out of file descriptors by people who say nothing. Here
each connection is known by its address and by what it is doing. Where one too many comes, the
address that holds the most gives way: so a newcomer gets in, whoever holds the rest.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
import ssl
import time
from asyncio import Protocol, Transport
from collections.abc import Iterable
from contextlib import suppress
from enum import IntEnum
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

__all__ = ["HTTP_LOG", "Connections", "Limits", "bind", "connection_limits"]

_log = logging.getLogger(__name__)

HTTP_LOG: Final = logging.getLogger(f"{__name__}.http")
"""For what aiohttp says of requests. Of one that is no HTTP, it would repeat what was sent, with a
stack trace, for anybody who connects: who sent it is answered, and that is enough."""

HEAD_SECONDS: Final = 10
"""For the head of a request, and for the handshake of TLS."""
REQUEST_SECONDS: Final = 60
"""For taking in and answering a request."""
KEEP_ALIVE_SECONDS: Final = 75
"""Between two requests, and for taking the answer."""

_RESERVED: Final = 96
"""File descriptors for all else: store, readers, exporters, name servers, threads."""
_MOST: Final = 2_000
"""Connections of each kind, however many descriptors there are: they take memory, too."""
_FEWEST: Final = 8
_BACKLOG: Final = 512
"""Connections that wait in the kernel while others are let in."""
_LOG_SECONDS: Final = 60
_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def _is_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


HTTP_LOG.addFilter(_is_ours)


class Limits(NamedTuple):
    """Connections that may be open."""

    http: int
    """On all HTTP ports together."""
    grpc: int


def connection_limits() -> Limits:
    """Share out the file descriptors that this process may have, and more than enough stay free."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = _MOST * 4 if soft == resource.RLIM_INFINITY else soft - _RESERVED
    return Limits(
        http=max(_FEWEST, min(_MOST, spare // 2)), grpc=max(_FEWEST, min(_MOST, spare // 4))
    )


async def bind(host: str, port: int) -> list[socket.socket]:
    """Open a socket for each address that `host` stands for.

    Raises:
        OSError: one of them cannot be had.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, *_, address in dict.fromkeys(found):
            one = socket.create_server(address, family=family, backlog=_BACKLOG)
            sockets.append(one)
            one.setblocking(False)
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets


class _Doing(IntEnum):
    """What a connection is doing; the lowest gives way first."""

    SAYING_NOTHING = 0
    """No whole head of a request has come."""
    RESTING = 1
    """Between two requests."""
    WORKING = 2


_SECONDS: Final = {
    _Doing.SAYING_NOTHING: HEAD_SECONDS,
    _Doing.RESTING: KEEP_ALIVE_SECONDS,
    _Doing.WORKING: REQUEST_SECONDS,
}


class _Connection:
    def __init__(self, address: str) -> None:
        self.address = address
        self.transport: Transport | None = None
        self.opening: asyncio.Task[None] | None = None
        self.turn(_Doing.SAYING_NOTHING)

    def turn(self, doing: _Doing) -> None:
        """Note what it does from now on."""
        self.doing = doing
        self.since = time.monotonic()

    def end(self) -> None:
        """Close it at once."""
        if self.transport is not None:
            self.transport.abort()
        elif self.opening is not None:
            self.opening.cancel()


class _Watched(Protocol):
    """Tells what a connection does, and lets aiohttp's own protocol do the rest."""

    def __init__(self, inner: Any, connection: _Connection, all_: Connections) -> None:
        self._inner = inner
        self._connection = connection
        self._all = all_

    def connection_made(self, transport: Any) -> None:
        self._connection.transport = transport
        self._all.known[self._inner] = self._connection
        self._inner.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._all.known.pop(self._inner, None)
        self._all.forget(self._connection)
        self._inner.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._connection.doing is _Doing.RESTING:
            # The next request begins, and has to come to the point like the first.
            self._connection.turn(_Doing.SAYING_NOTHING)
        self._inner.data_received(data)

    def eof_received(self) -> Any:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class Connections:
    """All connections of all HTTP ports."""

    def __init__(self, most: int) -> None:
        """Hold at most so many, and at most half of them for one address."""
        self._most = most
        self._most_of_one = max(1, most // 2)
        self._by_address: dict[str, dict[_Connection, None]] = {}
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._said = -float(_LOG_SECONDS)
        self.known: dict[Any, _Connection] = {}
        """By aiohttp's own protocol of each."""

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note which connections are at work."""
        connection = self.known.get(request.protocol)
        if connection is None:
            return await handler(request)
        connection.turn(_Doing.WORKING)
        try:
            return await handler(request)
        finally:
            connection.turn(_Doing.RESTING)

    def listen(
        self, server: Any, sockets: Iterable[socket.socket], tls: ssl.SSLContext | None
    ) -> list[asyncio.Task[None]]:
        """Let in whoever connects; what is given is cancelled to stop it."""
        return [asyncio.create_task(self._accept(server, one, tls)) for one in sockets]

    async def end_the_slow(self) -> None:
        """Close, for ever, what takes longer than its time."""
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            for connections in list(self._by_address.values()):
                for one in list(connections):
                    if now - one.since > _SECONDS[one.doing]:
                        one.end()

    def forget(self, connection: _Connection) -> None:
        """Note that a connection is gone."""
        of_address = self._by_address.get(connection.address, {})
        if connection in of_address:
            del of_address[connection]
            self._count -= 1
            if not of_address:
                del self._by_address[connection.address]

    async def _accept(self, server: Any, listener: socket.socket, tls: Any) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(listener)
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._say(f"no connection can be taken in: {error.strerror}")
                    self._give_way(self._largest())
                    await asyncio.sleep(0.1)
                continue
            address = str(peer[0])
            if self._make_room(address):
                connection = _Connection(address)
                self._by_address.setdefault(address, {})[connection] = None
                self._count += 1
                opening = asyncio.create_task(self._open(server, accepted, tls, connection))
                connection.opening = opening
                self._tasks.add(opening)
                opening.add_done_callback(partial(self._opened, accepted, connection))
            else:
                accepted.close()
            # Where many wait to be let in, those who are in have their turn between them.
            await asyncio.sleep(0)

    async def _open(
        self, server: Any, accepted: socket.socket, tls: Any, connection: _Connection
    ) -> None:
        # Who hangs up meanwhile, or does not speak TLS, is nobody's concern.
        with suppress(OSError, TimeoutError):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Watched(server(), connection, self),
                accepted,
                ssl=tls,
                ssl_handshake_timeout=HEAD_SECONDS if tls else None,
            )

    def _opened(
        self, accepted: socket.socket, connection: _Connection, opening: asyncio.Task[None]
    ) -> None:
        """Let go of what did not become a connection.

        After the task and not in it: one that is cancelled before its first step runs no line.
        """
        self._tasks.discard(opening)
        connection.opening = None
        if connection.transport is None:
            accepted.close()
            self.forget(connection)

    def _make_room(self, address: str) -> bool:
        """Let somebody give way if need be; False: the newcomer has to."""
        own = self._by_address.get(address, {})
        if len(own) >= self._most_of_one:
            self._say(f"{address} has {len(own)} connections, of {self._most} in all")
            return self._give_way(own, unless_working=True)
        if self._count >= self._most:
            largest = self._largest()
            self._say(f"all {self._most} connections are taken, {len(largest)} by one address")
            return self._give_way(largest, unless_working=len(largest) <= len(own))
        return True

    def _largest(self) -> dict[_Connection, None]:
        return max(self._by_address.values(), key=len, default={})

    def _give_way(self, some: dict[_Connection, None], *, unless_working: bool = False) -> bool:
        """End the oldest of those that do the least; False: there is none to end."""
        victim = None
        for one in some:
            if victim is None or one.doing < victim.doing:
                victim = one
            if victim.doing is _Doing.SAYING_NOTHING:
                break
        if victim is None or (unless_working and victim.doing is _Doing.WORKING):
            return False
        # It counts no longer, though closing it takes a moment.
        self.forget(victim)
        victim.end()
        return True

    def _say(self, what: str) -> None:
        now = time.monotonic()
        if now - self._said >= _LOG_SECONDS:
            self._said = now
            _log.warning("%s: some are closed to let others in", what)
