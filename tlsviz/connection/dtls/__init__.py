"""DTLS: the engine that follows one association over UDP (RFC 6347, RFC 9147)."""
