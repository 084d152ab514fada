"""What it means: pure functions over events and states, time is an argument (DESIGN section 15)."""
