"""The running fabric against the fabric as designed, check by check, with packets of our own."""

from bifilar.verify.report import Check, Report, Status
from bifilar.verify.run import CHECKS, DISRUPTIVE, verify

__all__ = ["CHECKS", "DISRUPTIVE", "Check", "Report", "Status", "verify"]
