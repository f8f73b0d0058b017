"""posthouse store: check, backup, restored."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from pathlib import Path
from zlib import crc32

import apsw
import pytest

from posthouse.accounts.accounts import find_account
from posthouse.message.summary import summarise
from posthouse.runtime.lock import DataLock
from posthouse.store import copying
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import ROW, Prepared, prepare, prepare_file, zstd
from posthouse.store.database import FILE
from posthouse.store.direct import DirectStore
from posthouse.store.mailboxes import Mailbox, create_mailbox, delete_mailbox, list_mailboxes
from posthouse.store.messages.append import append_message
from posthouse.store.sweeper import LOCK
from posthouse.store.unit import Work, rows_of
from posthouse.store.unit import run as run_statement

from .conftest import Run

ANN = "ann@example.org"
SMALL = b"Subject: small\r\n\r\ntext\r\n"
PACKED = b"Subject: packed\r\n\r\n" + b"0123456789\r\n" * 3000
LOST_LETTER = """
INSERT INTO queue_recipient (message, number, forward_path, domain, state, due)
VALUES (9, 0, 'a@b.example', 'b.example', 'ready', 0)
"""
LARGE = b"Subject: large\r\n\r\n" + b"0123456789\r\n" * 10_000


def file_in(store: DirectStore, account: int, content: bytes, mailbox: str = "INBOX") -> int:
    """Append a message; its UID."""
    now = int(time.time())
    filed = store.write(
        append_message(account, mailbox, prepared(store, content), summarise(content), now, "")
    )
    return filed.uid


def prepared(store: DirectStore, content: bytes) -> Prepared:
    if len(content) <= ROW:
        return prepare(content)

    writer = BlobFiles(store.directory).begin()
    writer.write(content)
    return prepare_file(writer.finish(), len(content), content[:ROW], crc32(content))


def pack(content: int) -> Work[None]:
    """Have the body lie there as a zstd frame, as in older databases."""
    ((body,),) = yield from rows_of("SELECT body FROM content_octets WHERE content = ?1", content)
    yield from run_statement(
        "UPDATE content_octets SET body = ?2, packed = 1 WHERE content = ?1",
        content,
        zstd.compress(body),
    )


@pytest.fixture
def ann(run: Run, data: Path) -> int:
    """The account, with three messages."""
    run("domain", "add", "example.org")
    run("account", "add", ANN, "--random-password")
    with DirectStore(data) as store:
        account = store.read(find_account(ANN))
        assert account is not None
        for content in (SMALL, PACKED, LARGE):
            file_in(store, account, content)
        store.write(lambda: pack(2))
    return account


def wrong(run: Run) -> list[tuple[str, str]]:
    rows = json.loads(run("store", "check", "--json", status=1).stdout)
    return [(row["wrong"], row["where"]) for row in rows]


def change(data: Path, sql: str) -> None:
    connection = apsw.Connection(str(data / FILE))
    connection.execute(sql).fetchall()
    connection.close()


def test_a_whole_store(run: Run, ann: int) -> None:
    assert "3 contents, all is well" in run("store", "check").stderr
    run("search", "rebuild")
    assert json.loads(run("store", "check", "--json").stdout) == []


@pytest.mark.parametrize(
    ("sql", "what", "uid"),
    [
        ("UPDATE content_octets SET body = 'tExt' || x'0d0a' WHERE content = 1", "content", 1),
        (
            "UPDATE content_octets SET body = substr(body, 1, 99) || 'X' WHERE content = 2",
            "content cannot be read",
            2,
        ),
        (
            "UPDATE content_octets SET body = zeroblob(400) WHERE content = 2",
            "content is not what was written",
            2,
        ),
        ("DELETE FROM content_octets WHERE content = 1", "content is lost", 1),
    ],
)
def test_attack_63_a_changed_row(
    run: Run, data: Path, ann: int, sql: str, what: str, uid: int
) -> None:
    change(data, sql)
    ((told, where),) = wrong(run)
    assert what in told
    assert where == f"{ANN}, INBOX, UID {uid}"


def test_attack_63_a_changed_file(run: Run, data: Path, ann: int) -> None:
    (path,) = (data / "blobs").glob("*/*")
    octets = bytearray(path.read_bytes())
    octets[5000] ^= 4
    path.write_bytes(octets)
    ((told, where),) = wrong(run)
    assert "file is not what was written" in told
    assert where == f"{ANN}, INBOX, UID 3"
    path.write_bytes(octets[:-1])
    assert "file is not whole" in wrong(run)[0][0]
    path.unlink()
    assert "file is lost" in wrong(run)[0][0]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE mailbox SET messages = 2 WHERE id = 1",
        "UPDATE mailbox SET uid_next = 2 WHERE id = 1",
        "UPDATE content SET refs = 7 WHERE id = 1",
        "UPDATE message SET mailbox = 99 WHERE uid = 2",
        LOST_LETTER,
    ],
)
def test_attack_63_what_does_not_agree_with_itself(
    run: Run, data: Path, ann: int, sql: str
) -> None:
    change(data, sql)
    assert wrong(run)


def test_attack_63_a_damaged_index(run: Run, data: Path, ann: int) -> None:
    run("search", "rebuild")
    (data / "search.db").write_bytes(b"\xff" * 20_000)
    ((told, where),) = wrong(run)
    assert "index" in told
    assert "search rebuild" in where
    run("search", "rebuild")
    run("store", "check")


def mailboxes(store: DirectStore, account: int) -> dict[str, Mailbox]:
    return {each.name: each for each in store.read(list_mailboxes(account))}


def test_attack_67_nothing_is_given_out_again_after_a_restore(
    run: Run, data: Path, ann: int, tmp_path: Path
) -> None:
    """What a client has seen since the backup was made is told to be of another mailbox."""
    now = int(time.time())
    run("store", "backup", str(tmp_path / "copy"))
    with DirectStore(data) as store:
        seen = [file_in(store, ann, SMALL) for _ in range(5)]
        for _ in range(3):  # a name that was free when the backup was made
            store.write(create_mailbox(ann, "Since", now))
            file_in(store, ann, SMALL, "Since")
            last = mailboxes(store, ann)
            store.write(delete_mailbox(ann, "Since", now))
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "copy", data)
    run("store", "check")
    assert "loaded anew" in run("store", "restored").stdout
    with DirectStore(data) as store:
        restored = mailboxes(store, ann)
        assert restored["INBOX"].messages == 3
        for name in restored:
            assert restored[name].uid_validity > max(box.uid_validity for box in last.values())
            assert restored[name].highest_modseq > last[name].highest_modseq
        assert len({box.uid_validity for box in restored.values()}) == len(restored)
        store.write(create_mailbox(ann, "Since", now))
        assert mailboxes(store, ann)["Since"].uid_validity > last["Since"].uid_validity
        assert file_in(store, ann, SMALL) in seen  # which is why
    run("store", "check")


def test_a_second_backup_copies_what_is_new(run: Run, data: Path, ann: int, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert "1 files" in run("store", "backup", str(copy)).stdout
    with DirectStore(data) as store:
        file_in(store, ann, LARGE)
    coming = BlobFiles(data).begin()
    coming.write(LARGE[:100])  # which no row names yet: half of it would never become all
    assert "1 files" in run("store", "backup", str(copy)).stdout
    coming.abandon()
    assert len(list((copy / "blobs").glob("*/*"))) == 2
    assert (copy / "posthouse.toml").exists()
    run("store", "check", "--data", str(copy))


def test_names_of_copied_files_are_on_the_disk(
    data: Path, ann: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folder is synced after the last name was put into it."""
    copy = tmp_path / "copy"
    copy.mkdir()
    there: dict[Path, list[Path]] = {}
    sync = copying._sync

    def synced(path: Path) -> None:
        if path.is_dir():
            there[path] = sorted(path.iterdir())
        sync(path)

    monkeypatch.setattr(copying, "_sync", synced)
    assert copying.back_up(data, copy) == 1
    folders = {copy, *(path for path in copy.rglob("*") if path.is_dir())}
    assert len(folders) == 3
    assert there == {folder: sorted(folder.iterdir()) for folder in folders}


SETTINGS = """
[tls]
certificate = "{outside}/mx.pem"
key = "tls/mx.pem"
[relay]
authorities = "nowhere.pem"
[routes."*"]
to = "smart.example:587"
tls = "required"
user = "us"
password_file = "secrets/smart"
"""


def test_a_backup_has_what_the_settings_name(
    run: Run, data: Path, ann: int, tmp_path: Path
) -> None:
    """All that is needed on a new machine is in the copy, or is named."""
    for name in ("tls/mx.pem", "secrets/smart"):
        (data / name).parent.mkdir()
        (data / name).write_text(name)
        (data / name).chmod(0o400)
    outside = tmp_path / "outside"
    (data / "posthouse.toml").write_text(SETTINGS.format(outside=outside))
    copy = tmp_path / "copy"
    for _ in range(2):
        told = run("store", "backup", str(copy)).stderr.splitlines()
        assert told == [
            f"not in the copy: {outside}/mx.pem (tls.certificate)",
            f"not in the copy: {data}/nowhere.pem (relay.authorities): there is no such file",
        ]
        for name in ("tls/mx.pem", "secrets/smart"):
            assert (copy / name).read_text() == name
            assert (copy / name).stat().st_mode & 0o777 == 0o400
            assert (copy / name).parent.stat().st_mode & 0o777 == 0o700


def test_a_backup_of_settings_that_lie_elsewhere(
    run: Run, data: Path, ann: int, tmp_path: Path
) -> None:
    copy, file = tmp_path / "copy", tmp_path / "other.toml"
    file.write_text(SETTINGS.format(outside=tmp_path))
    told = run("store", "backup", str(copy), "--config", str(file)).stderr
    assert f"not in the copy: {file} (the settings)" in told
    assert "secrets/smart (routes.*.password_file): there is no such file" in told
    (data / "posthouse.toml").write_text("nonsense = 1")
    told = run("store", "backup", str(copy)).stderr
    assert "not in the copy: what the settings name: " in told
    assert "nonsense: no such setting" in told
    run("store", "check", "--data", str(copy))


def test_a_backup_does_not_take_the_place_of_what_is_served(
    run: Run, data: Path, ann: int, tmp_path: Path
) -> None:
    """Who has the database open would go on with one that has no name any more."""
    there = (data / FILE).stat().st_ino
    link = tmp_path / "link"
    link.symlink_to(data)
    for target in (data, link):
        assert "is the data directory" in run("store", "backup", str(target), status=1).stderr
    assert (data / FILE).stat().st_ino == there
    copy = tmp_path / "copy"
    copy.mkdir()
    lock = DataLock(copy)
    try:
        assert "is served already" in run("store", "backup", str(copy), status=1).stderr
    finally:
        lock.close()
    run("store", "backup", str(copy))
    (copy / f"{FILE}-wal").write_bytes(b"what belongs to the database before")
    run("store", "backup", str(copy))
    assert not (copy / f"{FILE}-wal").exists()
    assert "file/copy" in run("store", "backup", str(copy / FILE / "file/copy"), status=1).stderr


def test_no_file_goes_while_a_backup_is_made(
    data: Path, ann: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was copied before: it names what would be removed."""
    copy_files = copying.copy_files
    copied = []

    def copy(directory: Path, target: Path) -> int:
        with (directory / LOCK).open("w") as mutex, pytest.raises(BlockingIOError):
            fcntl.flock(mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)
        copied.append(copy_files(directory, target))
        return copied[0]

    monkeypatch.setattr(copying, "copy_files", copy)
    assert copying.back_up(data, tmp_path) == 1
    assert copied == [1]
    with (data / LOCK).open("w") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_nobody_is_told_beside_a_running_server(run: Run, data: Path, ann: int) -> None:
    lock = DataLock(data)
    try:
        assert "is served already" in run("store", "restored", status=1).stderr
    finally:
        lock.close()


def test_without_a_store(run: Run, data: Path, tmp_path: Path) -> None:
    for command in (("check",), ("backup", str(tmp_path / "copy")), ("restored",)):
        run("store", *command, status=1)
