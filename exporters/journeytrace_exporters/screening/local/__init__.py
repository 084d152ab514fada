"""Lists of one's own, compared on this machine."""
