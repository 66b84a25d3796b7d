"""The ids of all rows that the bundled book ever had: `python -m tests.unit.vectors.price_ids` adds the new ones.

Nothing is ever taken out of `price_ids.txt`: prices are only added (providers/README.md).
"""

from __future__ import annotations

from pathlib import Path

from tollkeeper.providers.rows import bundled_rows

FILE = Path(__file__).with_suffix(".txt")


def recorded() -> set[str]:
    """All ids on the list."""
    return set(FILE.read_text(encoding="utf-8").split()) if FILE.exists() else set()


def add_new() -> int:
    """Write the ids that aren't on the list to its end; how many."""
    known = recorded()
    new = [row.price_id for row in bundled_rows() if row.price_id not in known]
    with FILE.open("a", encoding="utf-8") as file:
        file.writelines(f"{price_id}\n" for price_id in new)
    return len(new)


if __name__ == "__main__":
    print(f"{FILE.name}: {add_new()} new price rows noted.")
