"""A résumé builder whose users have plans, limits and a billing page."""
