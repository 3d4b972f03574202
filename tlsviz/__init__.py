"""See a TLS handshake happen: every byte named, explained and proven."""

__version__ = "0.1.0"
