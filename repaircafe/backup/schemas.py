"""The JSON of `flask backup list --json`."""

from typing import Annotated

from pydantic import AfterValidator, AliasPath, BaseModel, Field

from repaircafe.backup.archive import Kind
from repaircafe.web.schemas import Moment


class Listed(BaseModel, from_attributes=True):
    """A backup. One that cannot be read has a `fault`, but no revision and no rows."""

    name: str = Field(validation_alias=AliasPath("path", "name"))
    kind: Kind
    created_at: Moment = Field(validation_alias="at")
    bytes: int = Field(validation_alias="size")
    revision: str | None = Field(default=None, validation_alias=AliasPath("manifest", "revision"))
    rows: int | None = Field(default=None, validation_alias=AliasPath("manifest", "rows"))
    fault: Annotated[str | None, AfterValidator(lambda fault: fault or None)]
