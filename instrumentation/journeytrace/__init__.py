"""Record the journey of one user through a verification form, as one OpenTelemetry trace.

::

    journey = Journey.start(project="acme-kyc", user_id="u-42")
    journey.record(Event.STEP_VIEW, path="/id-front")
    with journey.check(Event.ID_RECOGNITION) as check:
        if score < 0.8:
            check.fail(error_code="QS-10001", score=score)
    journey.reject(Reason.SELFIE_DUPLICATE)

It depends on opentelemetry-api alone and never raises into its host: what goes wrong is logged
once and counted, see `problems`.
"""

from journeytrace._check import Check
from journeytrace._diagnostics import problems
from journeytrace._journey import Journey, check
from journeytrace._names import Event, Reason
from journeytrace._settings import configure
from journeytrace._wrap import wrap
from journeytrace.conventions import Impact, Result, Source
from journeytrace.errors import CatalogueError

__all__ = [
    "CatalogueError",
    "Check",
    "Event",
    "Impact",
    "Journey",
    "Reason",
    "Result",
    "Source",
    "check",
    "configure",
    "problems",
    "wrap",
]
