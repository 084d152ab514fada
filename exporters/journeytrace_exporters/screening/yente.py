"""The screener that asks yente, at one's own server or at OpenSanctions.

``POST /match/{dataset}`` takes queries by name, ``GET /catalog`` tells the versions: as in the
routers of opensanctions/yente and in its tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from typing import Final, TypeVar

import aiohttp
import msgspec
from yarl import URL

from journeytrace_collector.core.screening import Category
from journeytrace_exporters._http import excerpt
from journeytrace_exporters.screening.screener import (
    MOST_HITS,
    Answer,
    Query,
    ScreenerError,
    answer_of,
)
from journeytrace_exporters.screening.yente_answers import (
    TOLD,
    Catalog,
    Matches,
    Response,
    hit_of,
    ids_of,
)
from journeytrace_exporters.webhook.addresses import RefusedAddressError, public_socket

__all__ = ["YenteScreener"]

MOST_EXCLUDED: Final = 50
"""Entities that yente lets a query leave out."""
_MOST_BYTES: Final = 8 * 1024 * 1024
_LATELY_SECONDS: Final = 300.0
"""As long as yente itself lets its catalogue be kept."""
_NAME: Final = "person"

_T = TypeVar("_T")
_response = msgspec.json.Decoder(Response)
_catalog = msgspec.json.Decoder(Catalog)


class YenteScreener:
    """Asks yente about people."""

    name = "yente"

    def __init__(
        self,
        url: URL,
        dataset: str,
        covers: Collection[Category],
        *,
        threshold: float = 0.7,
        algorithm: str | None = None,
        api_key: str | None = None,
        timeout: timedelta = timedelta(seconds=30),
        allow_private_networks: bool = False,
    ) -> None:
        """Ask the server at `url` about a dataset, of which it is known what it `covers`.

        Args:
            url: without ``/match``.
            dataset: as its catalogue calls it.
            covers: the categories of which its silence means something.
            threshold: what yente itself calls a match, 0 to 1.
            algorithm: by which it scores; None: by its default.
            api_key: of the hosted API; None: none is sent.
            timeout: of one request.
            allow_private_networks: as of a webhook's receiver.
        """
        self._url = url
        self._dataset = dataset
        self._covers = covers
        self._threshold = threshold
        self._algorithm = algorithm
        self._headers = {"Authorization": f"ApiKey {api_key}"} if api_key else {}
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        self._private = allow_private_networks
        self._session: aiohttp.ClientSession | None = None
        self._lately: tuple[str | None, float] | None = None
        """A version, and until when it is taken for the one there is."""

    async def screen(self, query: Query) -> Answer:
        """Look for somebody: see `Screener`."""
        # Asked for before: an index that changes meanwhile is searched once too often, not too few.
        version = await self._version_lately()
        found = await self._match(query, ())
        entities = {one.id: one for one in found.results}
        cleared = [one for one in found.results if ids_of(one) & query.cleared]
        if found.total.value > len(found.results) and cleared:
            # They would crowd out others, so those others are asked for without them.
            left_out = [one.id for one in cleared][:MOST_EXCLUDED]
            found = await self._match(query, left_out)
            entities |= {one.id: one for one in found.results}
        hits = [hit_of(one, query, self._covers) for one in entities.values() if one.match]
        hits.sort(key=lambda hit: (bool(hit.ids & query.cleared), -hit.score, hit.id))
        more = max(0, found.total.value - len(found.results))
        return answer_of(hits, self._covers, lists=version, more=more)

    async def version(self) -> str | None:
        """Give the version of what is in the index: see `Screener`."""
        known = await self._ask(_catalog, "GET", self._url / "catalog")
        own = [one for one in known.datasets if one.name == self._dataset]
        if own and (version := own[0].index_version or own[0].version):
            return version[:TOLD]
        # A collection has no version of its own: it changes when one of its parts does.
        parts = sorted(f"{one.name} {one.index_version}" for one in known.datasets)
        return sha256("\n".join(parts).encode()).hexdigest()[:16] if parts else None

    async def close(self) -> None:
        """Close the session, if it was opened."""
        if self._session is not None:
            await self._session.close()

    async def _version_lately(self) -> str | None:
        """Give the version as it was a few minutes ago at most; None: it cannot be had, for which
        no search fails.
        """
        now = asyncio.get_running_loop().time()
        if self._lately is None or now >= self._lately[1]:
            try:
                version = await self.version()
            except ScreenerError:
                return None
            self._lately = version, now + _LATELY_SECONDS
        return self._lately[0]

    async def _match(self, query: Query, excluded: Collection[str]) -> Matches:
        properties: dict[str, list[str]] = {"name": list(query.names)}
        if query.birth_date:
            properties["birthDate"] = [query.birth_date]
        if query.country:
            properties["country"] = [query.country]
        params = [("limit", str(MOST_HITS)), ("threshold", f"{self._threshold:g}")]
        params += [("algorithm", self._algorithm)] if self._algorithm else []
        params += [("exclude_entity_ids", one) for one in excluded]
        body = {"queries": {_NAME: {"schema": "Person", "properties": properties}}}
        url = (self._url / "match" / self._dataset).with_query(params)
        answer = await self._ask(_response, "POST", url, body)
        found = answer.responses.get(_NAME)
        if found is None or found.status != 200:
            raise ScreenerError("yente did not answer the query")
        return found

    async def _ask(
        self, decoder: msgspec.json.Decoder[_T], method: str, url: URL, body: object = None
    ) -> _T:
        """Ask, and read an answer of bounded size. What is raised holds nothing of the body, for
        that may repeat names.
        """
        if self._session is None:
            connector = aiohttp.TCPConnector(
                socket_factory=None if self._private else public_socket
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        try:
            # Followed, a redirect would take names and key to where nobody has sent them.
            async with self._session.request(
                method,
                url,
                json=body,
                headers=self._headers,
                allow_redirects=False,
                timeout=self._timeout,
            ) as answer:
                if answer.status != 200:
                    raise ScreenerError(_refused(answer.status))
                text = await answer.content.read(_MOST_BYTES + 1)
                while len(text) <= _MOST_BYTES and (more := await answer.content.read(_MOST_BYTES)):
                    text += more
        except TimeoutError as error:
            raise ScreenerError(f"no answer within {self._timeout.total:g} s") from error
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, RefusedAddressError)
            raise ScreenerError(excerpt(str(error.os_error if refused else error))) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise ScreenerError(excerpt(str(error)) or type(error).__name__) from error
        if len(text) > _MOST_BYTES:
            raise ScreenerError(f"the answer has more than {_MOST_BYTES} bytes")
        try:
            return decoder.decode(text)
        except msgspec.MsgspecError as error:
            raise ScreenerError(f"the answer is none of yente's: {excerpt(str(error))}") from error


def _refused(status: int) -> str:
    if 300 <= status < 400:
        return f"{status}: redirects are not followed; set url to where it leads"
    if status in {401, 403}:
        return f"{status}: the api_key is missing or wrong"
    if status == 404:
        return f"{status}: there is no such dataset, or no yente at this url"
    return f"yente answered {status}"
