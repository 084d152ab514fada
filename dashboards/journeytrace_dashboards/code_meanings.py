"""What error codes mean, shown beside them: a user's catalogue says it when dashboards are made."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    ValueMap,
    ValueMappingResult,
)

from journeytrace.catalogue import ErrorCodeSpec

__all__ = ["explained"]


def explained(error_codes: Mapping[str, ErrorCodeSpec]) -> list[DynamicConfigValue]:
    """Give what puts the meaning behind each code of a field; nothing, if no code has one."""
    if not error_codes:
        return []
    options = {
        code: ValueMappingResult(text=f"{code}: {spec.meaning}", index=index)
        for index, (code, spec) in enumerate(error_codes.items())
    }
    return [DynamicConfigValue("mappings", [ValueMap(options=options)])]
