"""What pages show: pure functions from what the store tells to what the templates name."""
