"""Clients as other people write them, for tests over the network."""
