"""repaircafe.backup.folder: which backups rotation keeps, and a folder that cannot be used."""

import errno
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repaircafe.backup.archive import Kind
from repaircafe.backup.create import create
from repaircafe.backup.folder import newest, parse, to_remove
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment

MOMENTS = st.datetimes(datetime(2025, 12, 1), datetime(2026, 2, 15))
BACKUPS = st.lists(st.tuples(MOMENTS, st.sampled_from(Kind)), min_size=1, max_size=60)


def name(at: datetime, kind: Kind = Kind.DAILY) -> str:
    return f"repaircafe-{at:%Y%m%dT%H%M%SZ}-{kind.value}.zip"


def kept(names: list[str], just_made: str) -> list[str]:
    removed = to_remove(names, just_made)
    return sorted((one for one in names if one not in removed), reverse=True)


def test_rotation_keeps_seven_days_and_four_weeks_of_a_year_of_backups() -> None:
    nights = [datetime(2026, 12, 31, 3) - timedelta(days=back) for back in range(365)]
    stayed = [parse(one) for one in kept([name(night) for night in nights], name(nights[0]))]
    dates = [known[0].date() for known in stayed if known]
    # 31 December 2026 is a Thursday: the seven days, then the Sundays that end the two weeks before those.
    assert dates == [date(2026, 12, day) for day in (31, 30, 29, 28, 27, 26, 25, 20, 13)]


def test_the_turn_of_the_year_does_not_split_an_iso_week() -> None:
    # 29 December 2025 to 4 January 2026 is one ISO week, 2026-W01.
    days = [datetime(2025, 12, 29) + timedelta(weeks=week) for week in range(-9, 1)] + [datetime(2026, 1, 4)]
    stayed = kept([name(day) for day in days], name(days[-1]))
    assert len(stayed) == 7, "no more than seven days; the four weeks are among them"
    many = [datetime(2025, 12, 29) + timedelta(days=back) for back in range(-60, 7)]
    weeks = {one.isocalendar()[:2] for text in kept([name(day) for day in many], name(many[-1])) if (one := _at(text))}
    assert weeks == {(2026, 1), (2025, 52), (2025, 51), (2025, 50)}


def test_rotation_keeps_the_newest_of_a_day() -> None:
    day = [name(datetime(2026, 1, 5, hour)) for hour in range(24)]
    assert kept(day, day[-1]) == [day[-1]]


def test_a_cafe_that_is_switched_on_once_a_month_keeps_its_last_seven() -> None:
    months = [name(datetime(2026, month, 7)) for month in range(1, 13)]
    assert kept(months, months[-1]) == sorted(months[-7:], reverse=True)


def test_rotation_keeps_the_newest_five_safety_copies() -> None:
    kinds = [Kind.UPGRADE, Kind.MIGRATION, Kind.RESTORE] * 4
    safety = [name(datetime(2020, 1, 1, hour), kind) for hour, kind in enumerate(kinds)]
    daily = name(datetime(2026, 1, 1))
    assert kept([*safety, daily], daily) == sorted([daily, *safety[-5:]], reverse=True)


def test_rotation_keeps_the_newest_five_manual_backups() -> None:
    own = [name(datetime(2026, 1, 1, hour), Kind.MANUAL) for hour in range(7)]
    others = [name(datetime(2026, 1, 1, hour, 30), Kind.RESTORE) for hour in range(5)]
    assert kept([*own, *others], others[-1]) == sorted([*own[-5:], *others], reverse=True)


@pytest.mark.parametrize("kind", Kind)
def test_a_new_backup_stays_even_if_the_clock_shows_1970(kind: Kind) -> None:
    names = [name(datetime(2026, 1, day), kind) for day in range(1, 32)]
    just_made = name(datetime(1970, 1, 1), kind)
    assert just_made not in to_remove([*names, just_made], just_made)


@pytest.mark.parametrize(
    "other",
    [
        "notes.txt",
        "repaircafe-20200101T000000Z-daily.zip.bak",
        "copy of repaircafe-20200101T000000Z-daily.zip",
        "repaircafe-20209901T000000Z-daily.zip",
        "repaircafe-20200101T000000Z-weekly.zip",
        ".repaircafe-20200101T000000Z-daily.zip.partial",
        "repaircafe-20200101T000000Z-daily.zip\n",
    ],
)
def test_a_file_with_another_name_is_never_removed(other: str) -> None:
    names = [name(datetime(2026, 1, day)) for day in range(1, 32)]
    assert other not in to_remove([other, *names], names[-1])


@given(BACKUPS)
def test_a_recent_daily_backup_is_removed_only_for_a_newer_one_of_that_day(
    backups: list[tuple[datetime, Kind]],
) -> None:
    names = [name(at, kind) for at, kind in backups]
    removed = to_remove(names, names[-1])
    assert set(removed) <= set(names) - {names[-1]}
    daily = sorted({at.replace(microsecond=0) for at, kind in backups if kind is Kind.DAILY}, reverse=True)
    for at in (at for at in daily if name(at) in removed):
        newer_days = {other.date() for other in daily if other.date() > at.date()}
        assert len(newer_days) >= 7 or any(other.date() == at.date() and other > at for other in daily)


@given(BACKUPS)
def test_removing_twice_removes_no_more(backups: list[tuple[datetime, Kind]]) -> None:
    names = [name(at, kind) for at, kind in backups]
    rest = [one for one in names if one not in to_remove(names, names[-1])]
    assert to_remove(rest, names[-1]) == []


def test_an_old_backup_is_removed_and_another_file_is_not(environment: Environment, filled: str, place: Path) -> None:
    place.mkdir()
    old = [f"repaircafe-2020010{day}T000000Z-upgrade.zip" for day in range(1, 8)]
    for name in [*old, "repaircafe.txt"]:
        (place / name).touch()
    made = create(environment, filled, Kind.MIGRATION, sparing=old[0])
    assert sorted(os.listdir(place)) == sorted([old[0], *old[-4:], made.path.name, "repaircafe.txt"])


def test_a_folder_that_cannot_be_used_is_reported(environment: Environment, filled: str, place: Path) -> None:
    place.write_text("a file in the folder's place")
    with pytest.raises(BackupError, match=r"cannot be used: File exists\.\nWhat to do: .*BACKUP_FOLDER in \.env"):
        create(environment, filled, Kind.DAILY)


def test_a_folder_that_the_timer_may_not_write_is_reported_with_its_own_cure(
    environment: Environment, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service finds the folder like this if .env did not name it when the unit was installed."""

    def locked(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("repaircafe.backup.create._write", locked)
    with pytest.raises(BackupError, match=r"cannot be written\.\nWhat to do: .*run deploy/install again"):
        create(environment, filled, Kind.DAILY)


def _at(text: str) -> datetime | None:
    known = parse(text)
    return known[0].astimezone(UTC) if known else None


def test_the_newest_backup_is_found_by_its_name(tmp_path: Path) -> None:
    place = tmp_path / "backups"
    assert newest(place) is None, "the folder is made with the first backup"
    place.mkdir()
    (place / "notes.txt").touch()
    assert newest(place) is None
    for day in (3, 5, 4):
        (place / name(datetime(2026, 1, day))).touch()
    found = newest(place)
    assert found
    assert (found.path.name, found.kind, found.at.day) == (name(datetime(2026, 1, 5)), Kind.DAILY, 5)
    assert found.manifest is None, "it is empty"


def test_a_folder_whose_newest_backup_cannot_be_found_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupError):
        newest(tmp_path / "file")
