"""Start, stop, share, and what a person is told."""

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

from tests.embedded.conftest import Seat, gone

Sit = Callable[..., Seat]


def test_data_survive_a_restart(home: Path, sit: Sit, user: str | None) -> None:
    first = sit(home / "data", user=user)
    assert first.hello["owned"]
    assert not first.hello["wheel_imported"]
    first.sql("CREATE TABLE verbatim (body text)")
    first.sql("INSERT INTO verbatim VALUES ('impossible de se connecter')")
    assert first.ask("stop")["stopped"]
    assert gone(first.hello["pid"])
    second = sit(home / "data", user=user)
    assert second.sql("SELECT body FROM verbatim") == [["impossible de se connecter"]]


def test_the_cluster_is_made_for_us(home: Path, sit: Sit, user: str | None) -> None:
    seat = sit(home / "data", user=user)
    settings = dict(seat.sql("SELECT name, setting FROM pg_settings"))
    assert settings["data_checksums"] == "on"
    assert settings["TimeZone"] == "UTC"
    assert settings["listen_addresses"] == ""
    assert settings["jit"] == "off"
    assert settings["max_connections"] == "100"
    assert settings["wal_compression"] != "off"
    assert settings["shared_buffers"] == str(256 * 1024 // 8)
    assert seat.sql(
        "SELECT current_database(), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    ) == [["cocoon", "UTF8"]]
    assert seat.sql("SELECT lower('ÉCRAN')") == [["écran"]]
    seat.sql("CREATE EXTENSION pg_trgm")
    seat.sql("CREATE EXTENSION unaccent")
    assert seat.sql("SELECT unaccent('Réglé'), similarity('bloqué', 'bloquée') > 0.5") == [["Regle", True]]


def test_the_data_folder_is_private_and_its_parents_are_left_alone(home: Path, sit: Sit, user: str | None) -> None:
    above = home / "above"
    above.mkdir(mode=0o751)
    above.chmod(0o751)
    if user:
        os.chown(above, home.stat().st_uid, home.stat().st_gid)
    before = [stat.S_IMODE(folder.stat().st_mode) for folder in (above, home)]
    sit(above / "data", user=user)
    data = above / "data"
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (data, data / "postgres", data / "socket")] == [0o700] * 3
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (above, home)] == before
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in data.iterdir() if file.is_file())


def test_a_folder_with_other_things_keeps_its_mode(home: Path, sit: Sit) -> None:
    data = home / "data"
    data.mkdir()
    data.chmod(0o755)
    (data / "holiday.jpg").touch()
    assert sit(data).hello["owned"]
    assert stat.S_IMODE(data.stat().st_mode) == 0o755


def test_a_second_process_is_a_guest_and_leaves_the_server_running(home: Path, sit: Sit, user: str | None) -> None:
    owner = sit(home / "data", user=user)
    owner.sql("CREATE TABLE verbatim (body text)")
    guest = sit(home / "data", user=user)
    assert not guest.hello["owned"]
    assert guest.hello["pid"] == owner.hello["pid"]
    guest.sql("INSERT INTO verbatim VALUES ('lent')")
    assert guest.ask("stop")["stopped"]
    assert owner.sql("SELECT body FROM verbatim") == [["lent"]]
    assert owner.ask("alive")["alive"]


def test_an_owner_that_is_done_waits_for_its_guests(home: Path, sit: Sit) -> None:
    owner = sit(home / "data")
    guest = sit(home / "data")
    owner.tell("stop", "30")
    assert guest.sql("SELECT 1") == [[1]]
    assert guest.ask("alive")["alive"]
    assert guest.ask("stop")["stopped"]
    assert owner.read()["stopped"]
    assert gone(owner.hello["pid"])


def test_an_owner_does_not_wait_longer_than_it_said(home: Path, sit: Sit) -> None:
    owner = sit(home / "data")
    guest = sit(home / "data")
    answer = owner.ask("stop", "0.5")
    assert 0.5 <= answer["seconds"] < 10
    assert not guest.ask("alive")["alive"]


def test_a_guest_whose_owner_left_becomes_the_owner(home: Path, sit: Sit) -> None:
    owner = sit(home / "data")
    guest = sit(home / "data")
    owner.sql("CREATE TABLE verbatim AS SELECT 7 AS n")
    owner.ask("stop")
    answer = guest.ask("revive")
    assert answer["owned"]
    assert guest.sql("SELECT n FROM verbatim") == [[7]]


def test_of_many_at_once_exactly_one_owns_a_fresh_folder(home: Path, sit: Sit) -> None:
    seats = [sit(home / "data", greet=False) for _ in range(4)]
    hellos = [seat.greet() for seat in seats]
    assert sorted(hello["owned"] for hello in hellos) == [False, False, False, True]
    assert len({hello["pid"] for hello in hellos}) == 1
    assert [seat.sql("SELECT 1") for seat in seats] == [[[1]]] * 4


def test_ctrl_c_reaches_us_and_not_the_server(home: Path, sit: Sit, user: str | None) -> None:
    seat = sit(home / "data", user=user)
    os.killpg(seat.process.pid, signal.SIGINT)
    assert seat.read() == {"interrupted": True}
    assert seat.sql("SELECT 1") == [[1]]
    answer = seat.ask("alive")
    assert answer["alive"]
    assert answer["pid"] == seat.hello["pid"]


def test_a_long_data_folder_gets_a_short_socket(home: Path, sit: Sit, user: str | None) -> None:
    data = home / ("d" * 90) / ("e" * 90)
    owner = sit(data, user=user)
    folder = Path(owner.sql("SHOW unix_socket_directories")[0][0])
    assert len(str(folder)) < 90
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    guest = sit(data, user=user)
    assert guest.hello["url"] == owner.hello["url"]
    guest.ask("stop")
    owner.ask("stop")
    assert not folder.exists()


def test_a_data_folder_with_signs_that_mean_something_to_libpq(home: Path, sit: Sit) -> None:
    seat = sit(home / "Mes données, 100 % à moi: 'oui'")
    assert seat.sql("SELECT 1") == [[1]]


def test_a_server_left_on_by_somebody_forgetful_goes_with_its_process(home: Path, sit: Sit) -> None:
    seat = sit(home / "data")
    seat.end()
    assert seat.process.returncode == 0
    assert gone(seat.hello["pid"], 0.5)
    assert not (home / "data" / "postgres.json").exists()


def test_a_large_log_is_set_aside_at_the_start(home: Path, sit: Sit) -> None:
    sit(home / "data").ask("stop")
    log = home / "data" / "postgres.log"
    with log.open("a") as file:
        file.write("x" * 5_000_001)
    sit(home / "data").ask("stop")
    assert log.with_name("postgres.log.1").stat().st_size > 5_000_000
    assert log.stat().st_size < 100_000
