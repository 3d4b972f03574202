"""QUIC's packets and frames, the carriers of TLS 1.3's messages where there are no records (RFC 9000, 9001, 9369)."""
