"""Where bytes come from: live handshakes and captures. The only I/O besides the lab's."""
