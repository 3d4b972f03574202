"""The bodies of the handshake messages: one file a family; `table.BODIES` says which function reads which."""
