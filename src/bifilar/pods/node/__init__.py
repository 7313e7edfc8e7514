"""The agent of one node, without its socket: blocks, requests, what it measures."""
