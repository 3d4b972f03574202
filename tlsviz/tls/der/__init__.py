"""DER as trees: certificates, names, keys, signatures and OCSP responses inside the messages of TLS."""
