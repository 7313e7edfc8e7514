"""The intent: one YAML file in which an operator describes a fabric."""

from bifilar.intent.loading import load_intent
from bifilar.intent.model import Intent
from bifilar.intent.parsing import parse_intent

__all__ = ["Intent", "load_intent", "parse_intent"]
