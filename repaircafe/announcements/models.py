"""The announcements among the jobs."""

from repaircafe.work.models import Job


class Announcement(Job):
    """A text that the model writes. Its `subject` is format and language, such as poster/nl; the newest one counts."""

    __mapper_args__ = {"polymorphic_identity": "announcement"}  # noqa: RUF012  SQLAlchemy asks for a dict
