"""Packets of our own, sent and received inside the namespaces of a running fabric."""
