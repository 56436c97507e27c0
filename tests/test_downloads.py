"""Downloads against a server on this machine that breaks off, refuses, lies and ignores Range."""

from __future__ import annotations

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from classifier.downloads import download, file_digest, verify
from classifier.errors import CorpusError

BODY = bytes(range(256)) * 1024  # 256 KiB: several blocks
SHA = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves BODY at every path; `script` holds what the next requests meet instead of a plain answer."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.ranges = [], []
        self.url = f"http://127.0.0.1:{self.server_port}/file"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        step = self.server.script.pop(0) if self.server.script else "plain"
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if isinstance(step, int):
            self.send_error(step)
            return
        body = BODY[::-1] if step == "other" else BODY + b"!" if step == "long" else BODY
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and step != "no range" else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + 100_000] if step == "break" else body[start:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server, target, **options):
    return download(server.url, target, **{"size": len(BODY), "sha256": SHA, "pause": 0.0, **options})


def test_a_file_arrives_whole_in_a_new_folder(server, tmp_path):
    target = tmp_path / "new" / "folder" / "file"
    assert get(server, target) == target
    assert target.read_bytes() == BODY
    assert file_digest(target) == SHA
    assert [p.name for p in target.parent.iterdir()] == ["file"]


def test_progress_counts_up_to_the_size(server, tmp_path):
    seen = []
    get(server, tmp_path / "file", progress=lambda *call: seen.append(call))
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1] == ("file", len(BODY), len(BODY))


def test_a_broken_connection_is_resumed_where_it_broke(server, tmp_path):
    server.script = ["break", "break"]
    assert get(server, tmp_path / "file").read_bytes() == BODY
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_a_partial_file_of_an_earlier_run_is_continued(server, tmp_path):
    (tmp_path / "file.part").write_bytes(BODY[:1000])
    assert get(server, tmp_path / "file").read_bytes() == BODY
    assert server.ranges == ["bytes=1000-"]
    assert not (tmp_path / "file.part").exists()


def test_a_complete_partial_file_needs_no_request(server, tmp_path):
    (tmp_path / "file.part").write_bytes(BODY)
    assert get(server, tmp_path / "file").read_bytes() == BODY
    assert server.ranges == []


def test_a_server_without_range_sends_everything_again(server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    server.script = ["no range"]
    assert get(server, tmp_path / "file").read_bytes() == BODY


def test_a_spoilt_partial_file_is_thrown_away_and_fetched_anew(server, tmp_path):
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    assert get(server, tmp_path / "file").read_bytes() == BODY
    assert server.ranges == ["bytes=1000-", None]


def test_a_partial_file_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / "file.part").write_bytes(BODY * 2)
    assert get(server, tmp_path / "file").read_bytes() == BODY
    assert server.ranges == [None]


def test_a_refused_range_starts_over(server, tmp_path):
    (tmp_path / "file.part").write_bytes(BODY[:1000])
    server.script = [416]
    assert get(server, tmp_path / "file").read_bytes() == BODY
    assert server.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("step", ["other", "long"])
def test_another_file_than_expected_is_refused_and_removed(server, tmp_path, step):
    server.script = [step]
    with pytest.raises(CorpusError, match=f"^file: cannot download .* SHA-256 is .*, expected {SHA} .*; check"):
        get(server, tmp_path / "file")
    assert [*tmp_path.iterdir()] == []
    assert len(server.ranges) == 1  # asking again would give the same


def test_not_found_is_final(server, tmp_path):
    server.script = [404] * 5
    with pytest.raises(CorpusError, match="the server answered 404 Not Found"):
        get(server, tmp_path / "file")
    assert len(server.ranges) == 1


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.script = [503, 429]
    assert get(server, tmp_path / "file").read_bytes() == BODY


def test_giving_up_keeps_what_arrived(server, tmp_path):
    server.script = ["break", 503]
    with pytest.raises(CorpusError, match="the server answered 503"):
        get(server, tmp_path / "file", tries=2)
    assert (tmp_path / "file.part").stat().st_size == 100_000
    assert not (tmp_path / "file").exists()


def test_nobody_listens(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(CorpusError, match=r"refused.*; check the connection"):
        download(f"http://127.0.0.1:{port}/x", tmp_path / "x", size=1, sha256=SHA, tries=2, pause=0.0)


def test_only_http(tmp_path):
    with pytest.raises(CorpusError, match=r"^x: cannot download 'file:///etc/passwd'; give an https"):
        download("file:///etc/passwd", tmp_path / "x", size=1, sha256=SHA)


def test_verify_leaves_the_file(tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(b"mine")
    verify(path, hashlib.sha256(b"mine").hexdigest(), todo="nothing")
    with pytest.raises(CorpusError, match=f"mine: SHA-256 is [0-9a-f]{{64}}, expected {SHA}; put it back"):
        verify(path, SHA, todo="put it back")
    assert path.read_bytes() == b"mine"
