"""Follows a connection that QUIC carries: packets in place of records, CRYPTO streams in place of TCP's."""
