"""Invitations: making links, and what becomes of them."""
