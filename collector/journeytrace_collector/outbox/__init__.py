"""What leaves the collector: who makes it, and how it is delivered."""
