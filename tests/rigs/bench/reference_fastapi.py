"""A FastAPI app under uvicorn with the same health query to the same PostgreSQL: a comparison, not a budget.

It sends the queries of our database check over one connection, caches the result as long as we do, and answers through
a pydantic model. It has no sign-in, no languages, no log with request ids, no security headers, one neighbour instead
of three, and no time limit.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal

import psycopg
from fastapi import FastAPI, Response
from pydantic import BaseModel

TTL_S = 1.0
"""The same as in the monitor, for the database."""
QUERIES = ("SELECT version_num FROM alembic_version", "SELECT revision, checksum FROM migration_history")


class Report(BaseModel):
    """The body of the answer."""

    status: Literal["healthy", "unhealthy"]
    database: Literal["connected", "disconnected"]
    timestamp: datetime
    migration: str | None


class Database:
    """One connection, and the result of the last query."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection | None = None
        self._lock = asyncio.Lock()
        self._found: str | None = None
        self._until = 0.0

    async def migration(self) -> str | None:
        """The newest migration, or None if the database is unavailable. Requests at the same time share one query."""
        async with self._lock:
            if time.monotonic() >= self._until:
                self._found = await self._look()
                self._until = time.monotonic() + TTL_S
            return self._found

    async def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _look(self) -> str | None:
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
            current, _history = [await (await self._connection.execute(query)).fetchall() for query in QUERIES]
        except psycopg.Error:
            await self.close()
            return None
        return str(current[0][0])


database = Database()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Closes the connection when the app ends."""
    yield
    await database.close()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health(response: Response) -> Report:
    """200 with a database, 503 without one."""
    found = await database.migration()
    response.headers["Cache-Control"] = "no-store"
    if found is None:
        response.status_code = 503
    return Report(
        status="healthy" if found else "unhealthy",
        database="connected" if found else "disconnected",
        timestamp=datetime.now(UTC),
        migration=found,
    )
