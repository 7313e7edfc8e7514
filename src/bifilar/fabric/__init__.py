"""The fabric: what an intent means, as pure, frozen values."""

from bifilar.fabric.design import design
from bifilar.fabric.model import Fabric

__all__ = ["Fabric", "design"]
