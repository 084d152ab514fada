"""What a form has sent, and what an address names."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from journeytrace_collector.admin.api import BadParameterError, parse_subject
from journeytrace_collector.store.base import Subject
from journeytrace_desk.access.admins import Admin
from journeytrace_desk.views.subjects import NAMES

__all__ = ["subject_of", "typed"]


async def typed(request: web.Request, *names: str) -> dict[str, str]:
    """Read the fields of a form, each at most once; those that are empty are left out.

    Raises:
        BadParameterError: there are others, or it is no form.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadParameterError("the form", f"is {request.content_type}", "one of the desk's")
    found: dict[str, str] = {}
    for name, value in (await request.post()).items():
        if name not in names or name in found or not isinstance(value, str):
            raise BadParameterError(name, "is no field of this form", ", ".join(names))
        if value.strip():
            # As it is: who is called " u" is not who is called "u".
            found[name] = value
    return found


def subject_of(given: Mapping[str, str], admin: Admin) -> Subject:
    """Read whose data are meant: those in the projects that somebody is an admin of.

    Raises:
        BadParameterError: it is not said, or not in one way alone.
    """
    said = {name: given[name] for name in NAMES if name in given}
    found = parse_subject(said, session=True)
    return Subject(found.field, found.value, admin.scope)
