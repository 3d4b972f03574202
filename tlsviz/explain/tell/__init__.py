"""The tellers: one small file a family of messages. A teller fills a `Scene`; `narrate.TELLERS` lists them."""
