"""Version names in order, whoever wrote them."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.versions import in_order, last_before, newest, order_key, split

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Out:
    version: str
    released_at: datetime = NOON
    build: str | None = None


@pytest.mark.parametrize(
    ("told", "name", "build"),
    [
        ("7.2 (1234)", "7.2", "1234"),
        ("7.2(build 1234)", "7.2", "1234"),
        (" v7.2 ", "7.2", ""),
        ("Version 7.2.1", "7.2.1", ""),
        ("com.example.bank@7.2.1+1234", "7.2.1", "1234"),
        ("2024.10.1-beta+5", "2024.10.1-beta+5", ""),
        ("Varies with device", "Varies with device", ""),
        ("", "", ""),
    ],
)
def test_name_and_build_are_taken_apart(told: str, name: str, build: str) -> None:
    assert split(told) == (name, build)


def test_versions_are_ordered_as_people_read_them() -> None:
    line = [
        "Varies with device", "6.9", "6.10.0", "7.0.0-dev.3", "7.0.0-alpha.1", "7.0.0-alpha.10", "7.0b1",
        "7.0.0-beta.2", "7.0.0-rc.1", "7.0", "7.0-hotfix", "7.0-2", "7.0.1", "7.1.9", "7.2", "7.2b", "7.2.1", "7.10",
        "10.0", "2024.9.30", "2024.10.1-beta+4", "2024.10.1-beta+5", "2024.10.1", "2025.1",
    ]  # fmt: skip
    mixed = list(line)
    random.Random(7).shuffle(mixed)
    assert sorted(mixed, key=order_key) == line


def test_a_missing_part_is_zero_and_the_build_decides_last() -> None:
    assert order_key("7.2")[:3] == order_key("7.2.0")[:3]
    assert order_key("7.2", "1234") < order_key("7.2", "1300") < order_key("7.2.1", "2")
    assert order_key("7.2 (99)") < order_key("7.2 (1234)")


@given(st.lists(st.text(max_size=20), max_size=8))
def test_any_text_has_its_place(names: list[str]) -> None:
    found = in_order([Out(name) for name in names])
    assert [one.version for one in found] == [one.version for one in in_order(list(reversed(found)))]
    assert sorted(one.version for one in found) == sorted(names)


def test_a_repair_of_an_older_version_is_compared_with_its_own_line() -> None:
    day = timedelta(days=1)
    line = in_order(
        [Out("7.2.0", NOON), Out("7.1.4", NOON - 30 * day), Out("7.1.5", NOON + 3 * day), Out("7.2.1", NOON + 5 * day)]
    )
    assert [one.version for one in line] == ["7.1.4", "7.1.5", "7.2.0", "7.2.1"]
    # The 7.1.5 came after the 7.2.0: customers went from 7.1.4 to 7.2.0.
    assert {one.version: getattr(last_before(line, one.version), "version", None) for one in line} == {
        "7.1.4": None,
        "7.1.5": "7.1.4",
        "7.2.0": "7.1.4",
        "7.2.1": "7.2.0",
    }
    newest_on_day_4 = newest(line, NOON + 4 * day)
    assert newest_on_day_4 is not None
    assert newest_on_day_4.version == "7.2.0"
    assert newest(line, NOON - 60 * day) is None
    assert last_before(line, "9.9") is None


def test_a_team_that_changes_from_dates_to_numbers_keeps_one_line() -> None:
    day = timedelta(days=1)
    dated = [Out("2024.9", NOON - 90 * day), Out("2024.10", NOON - 60 * day)]
    numbered = [Out("8.0", NOON - 30 * day), Out("8.1", NOON)]
    assert [one.version for one in in_order(numbered + dated)] == ["2024.9", "2024.10", "8.0", "8.1"]
    began = [Out("3.9", NOON - 200 * day), Out("20250101", NOON)]
    assert [one.version for one in in_order(list(reversed(began)))] == ["3.9", "20250101"]
