"""The downloads among the jobs."""

from repaircafe.work.models import Job


class Download(Job):
    """The download of one model. Its `subject` is the model's name, as it was asked for."""

    __mapper_args__ = {"polymorphic_identity": "download"}  # noqa: RUF012  SQLAlchemy asks for a dict

    @property
    def model(self) -> str:
        """The model's name."""
        return self.subject

    @property
    def status(self) -> str:
        """What the server says that it does."""
        return str(self.progress.get("status", ""))

    @property
    def done(self) -> int:
        """Bytes that the server has."""
        return int(self.progress.get("done", 0))

    @property
    def total(self) -> int:
        """Bytes in all, as far as they are known; 0 if they are not."""
        return int(self.progress.get("total", 0))

    @property
    def is_anew(self) -> bool:
        """Whether the installed model is removed first, because its file is damaged."""
        return bool(self.progress.get("anew"))

    @property
    def speed(self) -> int:
        """Bytes per second over the last few seconds; 0 if nothing comes or it is not known."""
        return int(self.progress.get("speed", 0))

    @property
    def free(self) -> int | None:
        """Bytes that were free on the disk when they were too few; None otherwise."""
        found: int | None = self.progress.get("free")
        return found
