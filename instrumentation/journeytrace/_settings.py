"""What `configure` sets for the whole process: the catalogue, and where spans go."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from opentelemetry import trace

from journeytrace._described import NOTHING, Described, Details, describe, describe_known
from journeytrace._diagnostics import Problem, report
from journeytrace.conventions import SCHEMA_URL, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journeytrace.browser import Key
    from journeytrace.catalogue import Catalogue

T = TypeVar("T")

__all__ = ["CATALOGUE_VARIABLE", "Settings", "configure", "current", "install"]

CATALOGUE_VARIABLE: Final = "JOURNEYTRACE_CATALOGUE"
"""Names the catalogue's file where `configure` does not. Absent or empty: the built-in one."""


class _Late(Generic[T]):
    """A property that is worked out when it is first asked for, and an attribute from then on.

    No `cached_property`: up to Python 3.11 that holds a lock, which a forked child finds taken.
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __get__(self, holder: Any, _: object = None) -> T:
        found = holder.__dict__[self._work.__name__] = self._work(holder)
        return found


class Settings:
    """One consistent state, replaced as a whole so that no thread sees half of a change."""

    def __init__(
        self,
        catalogue: Catalogue,
        tracer_provider: trace.TracerProvider | None = None,
        *,
        record_exceptions: bool = False,
        recording: bool = False,
        browser_keys: tuple[Key, ...] = (),
    ) -> None:
        self.catalogue = catalogue
        self.recorded = describe_known(catalogue, None)
        self.passed = describe_known(catalogue, Result.PASS)
        self.tracer_provider = tracer_provider
        self.record_exceptions = record_exceptions
        self.recording = recording
        self.browser_keys = browser_keys

    def describe(self, event: object, details: Details) -> Described | None:
        """Describe an event; None: it has no usable name."""
        if details is NOTHING and isinstance(event, str) and (known := self.recorded.get(event)):
            return known
        return describe(self.catalogue, event, details)

    def describe_check(self, event: object, details: Details) -> Described | None:
        """Describe a check that passes; None: it has no usable name."""
        if details is NOTHING and isinstance(event, str) and (known := self.passed.get(event)):
            return known
        # What the caller said about a failure has no place in it.
        details = details._replace(impact=None, error_code=None, result=Result.PASS)
        return describe(self.catalogue, event, details)

    def sending_to(self, tracer_provider: trace.TracerProvider) -> Settings:
        """Give the same settings for another provider."""
        return Settings(
            self.catalogue,
            tracer_provider,
            record_exceptions=self.record_exceptions,
            recording=self.recording,
            browser_keys=self.browser_keys,
        )

    @_Late
    def tracer(self) -> trace.Tracer:
        """The tracer of all journeys; made late, for the host may set its provider up after us."""
        return trace.get_tracer("journeytrace", _version(), self.tracer_provider, SCHEMA_URL)


installed: Settings | None = None
"""What was installed; None: nothing, and `current` gives the default. Read before `current` where a
call more would be felt."""


def current() -> Settings:
    """Give the settings; without `configure`, the built-in catalogue and the global provider."""
    return installed or _default()


def install(settings: Settings | None) -> Settings | None:
    """Replace the settings (None: back to the default) and give the former ones."""
    global installed  # configuration is one per process
    former, installed = installed, settings
    return former


def configure(
    *,
    catalogue: Path | Catalogue | None = None,
    tracer_provider: trace.TracerProvider | None = None,
    record_exceptions: bool = False,
    browser_key: str | None = None,
) -> None:
    """Set the library up, once at the start of the process; it also works without this call.

    Args:
        catalogue: a TOML file that adds to the built-in catalogue, or a loaded one. None: the
            file that the variable ``JOURNEYTRACE_CATALOGUE`` names, else the built-in one.
        tracer_provider: where spans go. None: OpenTelemetry's global provider.
        record_exceptions: send an exception that ends a check with its message and stack trace, as
            the span event ``exception``. Both can hold what was read from somebody's passport.
            False: its class alone, as ``error.type``.
        browser_key: ``ID:SECRET`` of the key that `Journey.browser_token` signs with, one of the
            collector's ``public.keys``; behind it, with space between, others whose tokens are
            still about. None: what the variable ``JOURNEYTRACE_BROWSER_KEY`` holds.

    Raises:
        CatalogueError: the file is faulty. This is the one place where the library raises: a
            process that starts can still be mended, one that runs must not be broken.
        ValueError: `browser_key` is no such text. The message does not quote it.
    """
    from journeytrace.catalogue import Catalogue, load_catalogue  # noqa: PLC0415 - see `_default`

    if catalogue is None:
        catalogue = _named_catalogue()
    elif not isinstance(catalogue, Catalogue):
        catalogue = load_catalogue(catalogue)
    # A service that configures itself within a test keeps being recorded by the pytest plugin.
    former = installed
    recording = former is not None and former.recording
    provider = former.tracer_provider if former and recording else tracer_provider
    exceptions = _switch(record_exceptions, "record_exceptions")
    install(
        Settings(
            catalogue,
            provider,
            record_exceptions=exceptions,
            recording=recording,
            browser_keys=_browser_keys(browser_key),
        )
    )


def _browser_keys(text: str | None) -> tuple[Key, ...]:
    if text is None:
        return ()
    from journeytrace.browser import read_keys  # noqa: PLC0415 - most services need none

    try:
        return read_keys(text)
    except ValueError as error:
        raise ValueError(f"browser_key: {error}") from None


def _switch(value: object, name: str) -> bool:
    # No other value counts as true: "false", from an environment, must not let personal data out.
    if not isinstance(value, bool):
        report(Problem.BAD_ARGUMENT, name, "is neither True nor False, and is taken for False")
    return value is True


@cache
def _default() -> Settings:
    # The catalogue's imports and its file take longer than all else that `import journeytrace`
    # does, so they wait for the first event, or for `configure`.
    from journeytrace.catalogue import builtin_catalogue  # noqa: PLC0415

    try:
        return Settings(_named_catalogue())
    except Exception as error:  # what runs must not be broken, as what starts may be
        message = f"names no usable catalogue, so the built-in one is used: {error}"
        report(Problem.BAD_CATALOGUE, CATALOGUE_VARIABLE, message)
    return Settings(builtin_catalogue())


def _named_catalogue() -> Catalogue:
    from pathlib import Path  # noqa: PLC0415 - slow to import

    from journeytrace.catalogue import builtin_catalogue, load_catalogue  # noqa: PLC0415

    file = os.environ.get(CATALOGUE_VARIABLE)
    return load_catalogue(Path(file)) if file else builtin_catalogue()


@cache
def _version() -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow to import

    try:
        return version("journeytrace")
    except PackageNotFoundError:  # run from a source tree
        return None


def _import_late() -> None:
    """Import what waits for the first event, lest a fork come in the midst of that.

    A child can never import a module that another thread of its parent was importing.
    """
    with suppress(Exception):
        for module in ("importlib.metadata", "journeytrace.catalogue"):
            import_module(module)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_import_late)
