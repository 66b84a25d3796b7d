"""Reconciliation: what AI providers report, compared with the calls that were booked."""
