"""One connection: the engine that follows it, and the model it makes."""
