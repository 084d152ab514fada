"""Data sources and dashboards as files that Grafana reads when it starts."""

from __future__ import annotations

from typing import Any, Final

import yaml

from journeytrace_dashboards.sources import Addresses, datasources
from journeytrace_dashboards.uids import FOLDER_TITLE, FOLDER_UID

__all__ = ["COMPOSE", "dashboards_yaml", "datasources_yaml"]

COMPOSE: Final = Addresses(
    prometheus="http://prometheus:9090",
    tempo="http://tempo:3200",
    postgresql="postgresql://journeytrace_reader@postgresql:5432/journeytrace",
)
"""What the servers are called in docker-compose.yml."""

_HEAD: Final = "# Made by journeytrace_dashboards.provisioning; a test holds the two together.\n"


def datasources_yaml(addresses: Addresses) -> str:
    """Give the file. The password of PostgreSQL comes from Grafana's own environment.

    Raises:
        ValueError: an address is no URL of its kind.
    """
    sources: list[dict[str, Any]] = [_escaped(source) for source in datasources(addresses)]
    for source in sources:
        source["editable"] = False
        if "user" in source:
            source["secureJsonData"] = {"password": "$GRAFANA_POSTGRESQL_PASSWORD"}
    content = {"apiVersion": 1, "prune": False, "datasources": sources}
    return _HEAD + yaml.safe_dump(content, sort_keys=False, width=1000)


def dashboards_yaml(folder: str) -> str:
    """Give the file that tells Grafana to read dashboards from `folder`, a path of its own."""
    provider = {
        "name": "journeytrace",
        "type": "file",
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "allowUiUpdates": False,
        "disableDeletion": True,
        "options": {"path": folder},
    }
    return _HEAD + yaml.safe_dump({"apiVersion": 1, "providers": [provider]}, sort_keys=False)


def _escaped(value: Any) -> Any:
    # In such a file Grafana takes $name for one of its environment's variables.
    if isinstance(value, dict):
        return {key: _escaped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
