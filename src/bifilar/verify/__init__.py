"""The running fabric against the fabric as designed, check by check, with packets of our own."""

from bifilar.verify.report import Check, Report, Status
from bifilar.verify.run import CHECKS, verify

__all__ = ["CHECKS", "Check", "Report", "Status", "verify"]
