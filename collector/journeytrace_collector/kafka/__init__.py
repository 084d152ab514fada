"""Kafka between senders and collectors: what is produced, what is consumed, and whose time it is.

The client is an extra, so nothing outside this room imports it unless Kafka is asked for.
"""
