"""What a collector can be told, and how it is read."""

from journeytrace_collector.settings.load import load_settings
from journeytrace_collector.settings.model import Project, Settings
from journeytrace_collector.settings.types import Address

__all__ = ["Address", "Project", "Settings", "load_settings"]
