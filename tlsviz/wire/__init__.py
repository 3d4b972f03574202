"""Bytes with names and places. Knows nothing of TLS."""
