"""What leaves the collector. Empty until the outbox exists; the layers are checked from the start."""
