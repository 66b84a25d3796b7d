"""Books under attack: processes that are killed, and the arithmetic that what is left is compared with."""
