"""Synthetic journeys, and the means to play them to a collector as two services would."""
