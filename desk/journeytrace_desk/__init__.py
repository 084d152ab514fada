"""The desk: what support, compliance and analysts open to see why a session ended as it did.

Pages are rendered here and work without JavaScript. What a page shows is a pure function of what
the store tells (`views`), apart from the handlers that ask for it.
"""

from __future__ import annotations

from journeytrace_desk.app import create

__all__ = ["create"]
