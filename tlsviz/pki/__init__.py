"""Certificates, stores and the judgement of chains."""
