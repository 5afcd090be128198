"""Column names: each has a name, and no name stands twice."""

from collections.abc import Sequence

from connector.errors import PackageRefused, Place


def checked(captions: Sequence[str | None], *, most: int, place: Place) -> tuple[str, ...]:
    """The captions without surrounding blanks. Raises PackageRefused for an empty or repeated one, or more than `most`."""
    if len(captions) > most:
        raise PackageRefused(
            f"the table has {len(captions):,} columns, more than {most:,}.",
            advice="Look whether rows and columns changed places, or for a wrong delimiter.",
            place=place,
        )
    names = tuple((caption or "").strip() for caption in captions)
    if "" in names:
        number = names.index("") + 1
        raise PackageRefused(f"column {number} has no name.", advice="Name the column, or remove it.", place=place)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            advice = "Rename or remove one of them."
            raise PackageRefused(f"two columns are named {name!r}.", advice=advice, place=place, value=name)
        seen.add(name)
    return names
