"""Fabric -> files of each device, and pictures. Templates are Jinja2; any of them can be replaced."""

from bifilar.render.renderer import (
    BIRD_CONFIG,
    NETWORK_DIRECTORY,
    NETWORKD_CONFIG,
    SYSCTL_CONFIG,
    Files,
    Renderer,
)

__all__ = ["BIRD_CONFIG", "NETWORKD_CONFIG", "NETWORK_DIRECTORY", "SYSCTL_CONFIG", "Files", "Renderer"]
