"""What a fabric's policies make of every route, computed without running anything."""

from bifilar.proof.routes import NextHop, Route, RouteKind, Routes

__all__ = ["NextHop", "Route", "RouteKind", "Routes"]
