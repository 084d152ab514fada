"""Dashboards and alerts as code."""

import warnings
from contextlib import suppress

# Alerts are written without the SDK. It warns of classic dashboards wherever it is imported, but
# they are the ones that Grafana provisions from files without open bugs.
with warnings.catch_warnings(), suppress(ModuleNotFoundError):
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.models.dashboardv2beta1  # noqa: F401
