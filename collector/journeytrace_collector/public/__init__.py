"""The listener that browsers talk to: it believes nobody, and bounds everybody (DESIGN 14)."""
