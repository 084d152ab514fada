"""Bring the dashboards to a Grafana. Doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException
from niquests.exceptions import RequestException

from journeytrace.catalogue import Catalogue
from journeytrace_dashboards.files import as_json
from journeytrace_dashboards.uids import FOLDER_TITLE, FOLDER_UID

__all__ = ["PushError", "connected", "push", "put_folder"]

_SET_BY_GRAFANA: Final = ("id", "version")
_NOT_FOUND: Final = 404


class PushError(Exception):
    """Grafana cannot be reached or refused; the message says what to do."""


def push(
    url: str,
    token: str,
    sources: Iterable[Mapping[str, Any]],
    password: str | None = None,
    catalogue: Catalogue | None = None,
) -> Iterator[str]:
    """Write data sources, the folder and the dashboards; tell of each what was done.

    `catalogue` has the dashboards' stages; None: the built-in ones.

    Nothing outside our own uids is touched. What is the same already is not written, except the
    data source that `password` is for, which Grafana does not show.

    Raises:
        PushError: see there.
    """
    with connected(url, token) as api:
        for source in sources:
            yield _put_source(api, source, password)
        yield put_folder(api)
        for board in as_json(catalogue).values():
            yield _put_dashboard(api, board)


@contextmanager
def connected(url: str, token: str) -> Iterator[Any]:
    """Give a client, most of whose methods carry no types.

    Raises:
        PushError: what is asked of it fails.
    """
    try:
        yield GrafanaApi.from_url(url, credential=token)
    except GrafanaException as error:
        raise PushError(_explained(url, error)) from error
    except RequestException as error:
        raise PushError(f"{url} cannot be reached: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Give the system's own words, which stand under what the libraries make of them."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        inner = getattr(cause, "reason", None) or next(iter(cause.args), None)
        cause = inner if isinstance(inner, BaseException) else cause.__cause__ or cause.__context__
    return "no connection; is the address right, and is Grafana running?"


def _explained(url: str, error: GrafanaException) -> str:
    if error.status_code in {401, 403}:
        return f"{url} refuses the token: it needs a service account with the role Admin"
    return f"{url} answered {error.status_code}: {error.message}"


def _put_source(api: Any, source: Mapping[str, Any], password: str | None) -> str:
    uid = source["uid"]
    secret = {"secureJsonData": {"password": password}} if "user" in source and password else {}
    there = _found(lambda: api.datasource.get_datasource_by_uid(uid))
    if there is None:
        api.datasource.create_datasource({**source, **secret})
        return f"created data source {uid}"
    if not secret and _covers(there, source):
        return f"unchanged data source {uid}"
    api.datasource.update_datasource_by_uid(uid, {**source, **secret})
    return f"updated data source {uid}"


def put_folder(api: Any) -> str:
    """Make the folder, if it is not there."""
    if _found(lambda: api.folder.get_folder(FOLDER_UID)) is not None:
        return f"unchanged folder {FOLDER_UID}"
    api.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID)
    return f"created folder {FOLDER_UID}"


def _put_dashboard(api: Any, board: Mapping[str, Any]) -> str:
    uid = board["uid"]
    there = _found(lambda: api.dashboard.get_dashboard(uid))
    if there is not None and there["meta"].get("folderUid") == FOLDER_UID:
        plain = {k: v for k, v in there["dashboard"].items() if k not in _SET_BY_GRAFANA}
        if plain == board:
            return f"unchanged dashboard {uid}"
    message = "journeytrace dashboards push"
    wanted = {"dashboard": board, "folderUid": FOLDER_UID, "overwrite": True, "message": message}
    api.dashboard.update_dashboard(wanted)
    return f"{'created' if there is None else 'updated'} dashboard {uid}"


def _found(ask: Any) -> Any:
    try:
        return ask()
    except GrafanaClientError as error:
        if error.status_code == _NOT_FOUND:
            return None
        raise


def _covers(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether all that is wanted is there; Grafana adds fields of its own."""
    return all(
        _covers(there.get(key) or {}, value)
        if isinstance(value, Mapping)
        else there.get(key) == value
        for key, value in wanted.items()
    )
