"""Plain HTTP: what travels without TLS, followed and taken apart as far as its heads go."""
