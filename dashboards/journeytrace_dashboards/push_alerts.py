"""Bring the alerts to a Grafana, by its provisioning API. Doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from grafana_client.client import GrafanaClientError

from journeytrace_dashboards.alerts import Settings, alert_groups
from journeytrace_dashboards.alerts.grafana import provisioning
from journeytrace_dashboards.push import connected, put_folder
from journeytrace_dashboards.uids import FOLDER_UID

__all__ = ["push_alerts"]

_API: Final = "/v1/provisioning"
_NOT_FOUND: Final = 404
_NAMES: Final = {"keepFiringFor": "keep_firing_for"}
"""What the API calls differently from the files."""
_EDITABLE: Final = {"X-Disable-Provenance": "true"}
"""Without it nobody could change the rules in Grafana, not even by hand in an emergency."""


def push_alerts(url: str, token: str, settings: Settings) -> Iterator[str]:
    """Write the folder and each group of rules; tell what was done.

    Groups of other names are left alone. What is recorded stays with Prometheus, which must have
    ``journeytrace.recording.yml``.

    Raises:
        PushError: Grafana cannot be reached or refused.
    """
    with connected(url, token) as api:
        yield put_folder(api)
        for group in provisioning(alert_groups(settings), settings)["groups"]:
            yield _put_group(api, group)


def _put_group(api: Any, group: Mapping[str, Any]) -> str:
    name = group["name"]
    path = f"{_API}/folder/{FOLDER_UID}/rule-groups/{name}"
    wanted = {
        "title": name,
        "folderUid": FOLDER_UID,
        "interval": _seconds(group["interval"]),
        "rules": [_rule(rule, group) for rule in group["rules"]],
    }
    there = _found(api, path)
    if there is not None and _covers(there, wanted):
        return f"unchanged alerts {name}"
    api.client.PUT(path, json=wanted, headers=_EDITABLE)
    return f"{'created' if there is None else 'updated'} alerts {name}"


def _rule(rule: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    named = {_NAMES.get(key, key): value for key, value in rule.items()}
    placed = {"orgID": group["orgId"], "folderUID": FOLDER_UID, "ruleGroup": group["name"]}
    return named | placed


def _seconds(interval: str) -> int:
    """Read what we wrote: whole seconds, minutes or hours. The API takes seconds."""
    return int(interval[:-1]) * {"s": 1, "m": 60, "h": 3600}[interval[-1]]


def _found(api: Any, path: str) -> Any:
    try:
        return api.client.GET(path)
    except GrafanaClientError as error:
        if error.status_code == _NOT_FOUND:
            return None
        raise


def _covers(there: Any, wanted: Any) -> bool:
    """Tell whether all that is wanted is there; Grafana adds fields of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            _covers(there.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(there, list)
            and len(there) == len(wanted)
            and all(map(_covers, there, wanted))
        )
    return bool(there == wanted)
