"""Pure package: from the coded lines of a reply to values.

Codes give the structure: which lines are rows, details of the row before, attributes, the outcome. Inside a line
stand fields, and each module here knows those of its codes. What can't be read raises
:class:`~bifilar.errors.DaemonError` with the line.
"""
