"""Begin a journey for each name, and leave what follows to the worker of ``tasks.py``."""

from __future__ import annotations

import sys

from tasks import decide, send_the_rest, set_up

from journeytrace import Journey

set_up()
for name in sys.argv[1:] or ["Ann Example"]:
    with Journey.start(project="acme-kyc").activate() as journey:
        decide.delay(name)
    sys.stdout.write(f"{journey.session_id}\n")
send_the_rest()
