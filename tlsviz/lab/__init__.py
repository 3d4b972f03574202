"""Servers and certificates on 127.0.0.1 for every scenario."""
