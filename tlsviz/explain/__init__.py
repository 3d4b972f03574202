"""The words: what each thing is, why it is there, when it is odd."""
