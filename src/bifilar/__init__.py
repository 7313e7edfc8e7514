"""Bifilar: a modular, pure layer-3 network for bare-metal Kubernetes.

One intent file becomes a designed, rendered, rehearsed and verified fabric. The packages are layers, each
importing only what stands below it: ``cli > verify > lab > bird, kernel > render, proof > fabric > intent``.
"""

from importlib.metadata import version

__version__ = version("bifilar")
