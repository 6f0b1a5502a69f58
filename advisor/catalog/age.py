"""How old the facts are, and what a plan keeps of them."""

from __future__ import annotations

import datetime

from advisor.catalog import model_entries, override_files, raw_entries
from advisor.catalog.bundle import active, checksum
from advisor.schema import CatalogStamp, value

OLD_DAYS = 90


@value
class Facts:
    """The catalogue as an answer is given: what it is, and that it is old where it is."""

    stamp: CatalogStamp
    note: str = ""


def age_days(today: datetime.date | None = None) -> int:
    """Days since the bundle's date; 0 where the clock stands before it."""
    now = today or datetime.datetime.now(tz=datetime.UTC).date()
    return max((now - datetime.date.fromisoformat(active().date)).days, 0)


def old(today: datetime.date | None = None) -> str:
    """What an answer from old facts must say; empty up to `OLD_DAYS`."""
    days = age_days(today)
    if days <= OLD_DAYS:
        return ""
    return (
        f"the catalogue is of {active().date}, {days} days old: newer models, cards, tags and prices are not in it "
        f"(`advisor catalog update`, or a newer advisor)"
    )


def stamp() -> CatalogStamp:
    """Which facts an answer rests on."""
    now = active()
    return CatalogStamp(
        version=now.version,
        date=now.date,
        checksum=f"sha256:{checksum()}",
        origin="packaged" if now.packaged else "installed",
        own=tuple(path.name for path in override_files()),
    )


def facts_here() -> Facts:
    """Look once which bundle and which own entries are read: nothing is looked up after it."""
    if override_files():
        raw_entries("gpus")
        model_entries()
    return Facts(stamp=stamp(), note=old())
