"""Records, handshake messages and extensions: bytes to node trees, sans-IO."""
