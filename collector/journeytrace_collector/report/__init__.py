"""A session as a PDF that can be checked: what it says, how it is set, and what seals it."""
