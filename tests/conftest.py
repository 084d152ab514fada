"""What holds for all tests."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, and about who else works on it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# A shell that starts the suite in the background lets it ignore Ctrl-C. What the tests start would
# inherit that, and never end by what ends it elsewhere.
signal.signal(signal.SIGINT, signal.default_int_handler)
