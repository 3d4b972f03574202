"""Headless output: text and the JSON contract."""
