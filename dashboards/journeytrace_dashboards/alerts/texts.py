"""Words and links that several alerts share: Go templates, alike in Prometheus and Grafana."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from journeytrace_dashboards.alerts.model import Alert
from journeytrace_dashboards.alerts.promql import label
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.alerts.statistics import ALL
from journeytrace_dashboards.session_list import MAY_BE_NONE, NO_PROJECT, NO_VALUE
from journeytrace_dashboards.uids import SESSIONS_UID

__all__ = [
    "A_SESSION",
    "PERCENT",
    "UNTIL",
    "WHO",
    "Chosen",
    "compared",
    "links",
    "list_of",
    "project_of",
    "since_of",
    "spoken",
]

Chosen: TypeAlias = Mapping[str, str | Sequence[str]]
"""Filters by their names, each with a value or several; one that begins with ``$`` is that label of
the alert."""

_EVERY: Final = "$__all"
_IS_ALL: Final = f'eq (print (index $labels "scope")) "{ALL}"'
_OF_PROJECT: Final = (
    f"{{{{ if {_IS_ALL} }}}}{{{{ else }}}}"
    f'&project={{{{ or (index $labels "project") "{NO_PROJECT}" | urlquery }}}}{{{{ end }}}}'
)

PERCENT: Final = "{{ $%s | humanizePercentage }}"
A_SESSION: Final = '{{ printf "%%.2f" $%s }}'

UNTIL: Final = "time() * 1000"
"""Now, as Grafana's links take it."""

WHO: Final = (
    f"{{{{ if {_IS_ALL} }}}}all projects together{{{{ else }}}}"
    f"{label('project', 'no project')}{{{{ end }}}}"
)
"""Whom an alert with a scope is about."""


def compared(form: str) -> str:
    """Say what was usual and what was last week, each written in `form`."""
    last = form % "last"
    return (
        f"usually {form % 'usual'}, {{{{ if ge $last 0.0 }}}}in the same hours of last week {last}"
        "{{ else }}with no last week to compare{{ end }}"
    )


def project_of(none: str) -> str:
    """Choose the alert's project on a dashboard where `none` stands for sessions without one."""
    other = f'{{{{ or (index $labels "project") "{none}" | urlquery }}}}'
    every = f'{{{{ "{_EVERY}" | urlquery }}}}'
    return f"var-project={{{{ if {_IS_ALL} }}}}{every}{{{{ else }}}}{other}{{{{ end }}}}"


def since_of(alert: Alert, seconds: str) -> str:
    """Say when the first of the alert's sessions began; `seconds` is its window, in PromQL."""
    lead = f" - {alert.lead.total_seconds():g}" if alert.lead else ""
    return f"(time() - {seconds}{lead}) * 1000"


def list_of(chosen: Chosen) -> str:
    """Lead to the list of sessions, with these filters set."""
    parts = [
        f"var-{name}=" + (_label_of(value[1:]) if value[:1] == "$" else value)
        for name, given in chosen.items()
        for value in ([given] if isinstance(given, str) else given)
    ]
    return f"{SESSIONS_UID}?" + "&".join([project_of(NO_PROJECT), *parts])


def _label_of(name: str) -> str:
    """Choose what the label says; the list knows what "other" stands for."""
    without = NO_VALUE if name in MAY_BE_NONE else ""
    return f'{{{{ or (index $labels "{name}") "{without}" | urlquery }}}}'


def links(alert: Alert, settings: Settings, times: str) -> dict[str, str]:
    """Give where to look; `times` is the template that sets ``$since`` and ``$until``."""
    found = {"dashboard": f"{settings.grafana_url}/d/{alert.dashboard}"}
    if alert.sessions:
        since = '{{ printf "%.0f" $since }}' if alert.seconds else "now-1h"
        until = '{{ printf "%.0f" $until }}'
        listed = f"{settings.grafana_url}/d/{alert.sessions}&from={since}&to={until}"
        found["sessions"] = times + listed
        # A spike is the one that there is of each project, and of all together.
        if alert.seconds and "scope" in alert.by and settings.desk_url:
            found["diff"] = f"{times}{settings.desk_url}/diff?from={since}&to={until}{_OF_PROJECT}"
    if settings.alertmanager_url:
        name = f"filter=%7Balertname%3D%22{alert.name}%22%7D"
        found["silence"] = f"{settings.alertmanager_url}/#/silences/new?{name}"
    return found | {"runbook_url": f"{settings.runbooks_url}/{alert.name}.md"}


def spoken(alert: Alert, settings: Settings) -> str:
    """Give the alert's expression; a warning's is silent in the quiet hours."""
    if alert.severity == "critical" or not settings.quiet_hours:
        return alert.expr
    quiet = "\n  or\n".join(one.promql() for one in settings.quiet_hours)
    return f"({alert.expr})\n  unless on ()\n({quiet})"
