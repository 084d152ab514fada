"""What is asked of the collector over HTTP: health, sessions, outbox."""
