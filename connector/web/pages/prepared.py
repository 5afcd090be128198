"""A load that is half prepared, as its address tells it: it can be left, sent to a colleague, and taken up again."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, Field

from connector.wire.jobs import Blank, Mode

_Digest = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
_Name = Annotated[str, Field(max_length=100)]


class Prepared(BaseModel):
    """What was chosen so far; "" where nothing was."""

    package: _Digest = ""
    """SHA-256 of the package"""
    mapping: _Digest = ""
    """SHA-256 of the mapping that stands in the place of the package's own"""
    endpoint: _Name = ""
    company: Annotated[str, Field(max_length=4)] = ""
    partition: _Name = ""
    mode: Mode = Mode.UPSERT
    blank: Blank = Blank.KEEP
    test: _Name = ""
    """the job that tests the connection"""
    check: _Name = ""
    """the preview that holds every row against the endpoint"""
    q: Annotated[str, Field(max_length=200)] = ""
    sort: Annotated[str, Field(max_length=40, pattern=r"^-?[a-z_]*$")] = ""
    skip: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """of the packages that were handed in lately: which are shown"""

    def query(self) -> str:
        """What was chosen, as the address tells it."""
        return urlencode(self.model_dump(mode="json", exclude_defaults=True))

    def address(self, **chosen: str) -> str:
        """The address of the page once this is chosen too."""
        return f"/load?{self.model_copy(update=chosen).query()}"


Asked = Annotated[Prepared, Query()]
