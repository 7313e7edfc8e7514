"""Fabric -> files of each device, and pictures. Templates are Jinja2; any of them can be replaced."""

from bifilar.render.renderer import BIRD_CONFIG, SYSCTL_CONFIG, Files, Renderer

__all__ = ["BIRD_CONFIG", "SYSCTL_CONFIG", "Files", "Renderer"]
