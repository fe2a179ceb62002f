"""Servers that send too much, too slowly or elsewhere are given up in one line, and nothing that they sent stays."""

import gzip
import http.server
import random
import signal
import socket
import threading
import time

import pytest

from sgdphysics import downloads
from sgdphysics.labelled_arrays import DatasetError

CONTENT = b"contents of a file " * 500
MOST = 20_000
MIRROR = "https://mirror.example/mnist/file.gz"


class Server:
    """A server on this machine, by its address; what it does is a function by path: handler -> None."""

    def __init__(self, answers):
        self.asked, self.sent = [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                try:
                    answers[self.path](self)
                except OSError:  # nobody listens any more
                    self.close_connection = True

            def send(self, status, headers, pieces=(), pause=0.0):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in pieces:
                    self.wfile.write(piece)
                    outer.sent += len(piece)
                    time.sleep(pause)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def file(handler):
    handler.send(200, {"Content-Length": len(CONTENT)}, [CONTENT])


def to(location, pieces=()):
    return lambda handler: handler.send(302, {"Location": location}, pieces)


def slow_head(handler):
    for _ in range(100):
        handler.wfile.write(b"H")
        time.sleep(0.05)


ENDLESS = [bytes(1000)] * 20_000  # 20 MB
ANSWERS = {
    "/file": file,
    "/endless": lambda handler: handler.send(200, {}, ENDLESS),
    "/packed": lambda handler: handler.send(200, {"Content-Encoding": "gzip"}, [gzip.compress(bytes(20_000_000))]),
    "/announced": lambda handler: handler.send(200, {"Content-Length": 10**12}, ENDLESS),
    "/no-length": lambda handler: handler.send(200, {"Content-Length": "9" * 5000}, [CONTENT]),
    "/signs": lambda handler: handler.send(200, {"Content-Length": "\x1b[2J"}, [CONTENT]),
    "/cut": lambda handler: handler.send(200, {"Content-Length": len(CONTENT)}, [CONTENT[:100]]),
    "/slow": lambda handler: handler.send(200, {"Content-Length": 100}, [b"x"] * 100, pause=0.05),
    "/slow-head": slow_head,
    "/moved": to("/file"),
    "/moved-with-a-body": to("/file", ENDLESS),
    "/circle": to("/circle"),
}


@pytest.fixture
def server():
    server = Server(dict(ANSWERS))
    yield server
    server.close()


def refused(address, path, error=DatasetError, seconds=None):
    """What is said of an address that gives no file; nothing stays."""
    with pytest.raises(error) as caught:
        downloads.download(address, path, MOST, seconds)
    assert not path.exists()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    message = " ".join(str(caught.value).split())
    assert message.isprintable()
    return message


@pytest.mark.parametrize("place", ["/file", "/moved", "/moved-with-a-body"])
def test_a_mirror_on_this_machine_gives_its_files_also_from_elsewhere_on_it(server, tmp_path, place):
    downloads.download(f"http://127.0.0.1:{server.port}{place}", tmp_path / "file", MOST)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.sent < 10_000_000  # what comes with a redirect is not read: that is what fits between the two


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("/endless", "found more than 20,000 bytes, expected no more"),
        ("/packed", "found more than 20,000 bytes, expected no more"),
        ("/announced", "found a length of 1000000000000 bytes, expected 20,000 at most"),
        ("/no-length", f"found a length of {'9' * 200} bytes, expected 20,000 at most"),
        ("/signs", "found a length of '\\x1b[2J' bytes, expected 20,000 at most"),
        ("/circle", "redirected more than 5 times, last to "),
    ],
)
def test_what_is_too_much_is_given_up(server, tmp_path, place, message):
    assert message in refused(f"http://127.0.0.1:{server.port}{place}", tmp_path / "file")
    assert server.sent < 10_000_000


def test_a_file_that_ends_early_may_be_better_later(server, tmp_path):
    assert refused(f"http://127.0.0.1:{server.port}/cut", tmp_path / "file", OSError)


@pytest.mark.parametrize("place", ["/slow", "/slow-head"])
def test_what_takes_too_long_is_given_up_though_it_is_never_silent(server, tmp_path, place):
    begun = time.monotonic()
    message = refused(f"http://127.0.0.1:{server.port}{place}", tmp_path / "file", seconds=0.4)
    assert message == "not done after 0 s, given up"
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("name", ["localhost", "127.1", "0x7f.0.0.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_a_redirect_to_this_machine_is_not_followed_by_any_name(server, tmp_path, name):
    asked = Server({"/file": to(f"http://{name}:{server.port}/file")})
    message = refused(f"http://127.0.0.1:{asked.port}/file", tmp_path / "file")
    asked.close()
    assert message == (
        f"redirected to http://{name}:{server.port}/file, on this machine or in a private network, expected a public address"
    )
    assert server.asked == []


PRIVATE = {
    "this machine": "127.0.0.1",
    "another name of it": "127.8.8.8",
    "in the other version": "::1",
    "one in the other": "::ffff:10.0.0.1",
    "any": "0.0.0.0",
    "10": "10.1.2.3",
    "172": "172.16.0.9",
    "192": "192.168.1.1",
    "carriers": "100.64.0.1",
    "of a cloud, about itself": "169.254.169.254",
    "link-local": "fe80::1%eth0",
    "unique local": "fd00::1",
    "all at once": "224.0.0.1",
}
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]


def resolved(monkeypatch, *addresses):
    """Have every name stand for these addresses."""
    entries = [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 0)) for a in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: entries)


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE)
def test_a_name_that_stands_also_for_a_private_address_is_refused(monkeypatch, address):
    resolved(monkeypatch, *PUBLIC, address)
    with pytest.raises(DatasetError, match="in a private network, expected a public address"):
        downloads._target(MIRROR, "https://other.example/file.gz", MIRROR)


@pytest.mark.parametrize("location", ["https://other.example:8443/a?b=c%20d#e", "//other.example/a", "HTTPS://Other.Example"])
def test_a_public_server_is_asked(monkeypatch, location):
    resolved(monkeypatch, *PUBLIC)
    assert downloads._target(MIRROR, location, MIRROR).lower().startswith("https://other.example")


def test_the_server_that_was_asked_may_be_private_and_no_other(monkeypatch):
    resolved(monkeypatch, "192.168.1.1")
    assert downloads._target(MIRROR, "../b", MIRROR) == "https://mirror.example/b"
    assert downloads._target("https://other.example/", "https://Mirror.example:8000/b", MIRROR) == "https://Mirror.example:8000/b"
    with pytest.raises(DatasetError, match="in a private network"):
        downloads._target(MIRROR, "https://mirror.example.org/b", MIRROR)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://mirror.example/file.gz",
        "data:text/plain,x",
        "gopher://mirror.example:6379/_x",
        "javascript:1",
        "https://user@other.example/",
        "https://127.0.0.1\\@other.example/",
        "https://other.example\\.mirror.example/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://ⓛocalhost/",
        "https://other.example/\x1b[2J",
    ],
)
def test_only_plain_addresses_over_http_are_followed(monkeypatch, location):
    resolved(monkeypatch, *PUBLIC)
    with pytest.raises(DatasetError, match=r"^redirected to [ -~]*, expected an address with http\(s\)$"):
        downloads._target(MIRROR, location, MIRROR)


def test_no_redirect_leads_from_https_to_http(monkeypatch):
    resolved(monkeypatch, *PUBLIC)
    assert downloads._target("http://mirror.example/", "http://other.example/", MIRROR) == "http://other.example/"
    for location in ("http://other.example/", "http://mirror.example/mnist/file.gz"):
        with pytest.raises(DatasetError, match=r"^redirected from https to http://.*, expected https$"):
            downloads._target(MIRROR, location, MIRROR)


def test_what_cannot_be_made_smaller_is_within_the_limit():
    for size in (0, 1, 1000, 300_000):
        assert len(gzip.compress(random.Random(0).randbytes(size), 1)) <= downloads.compressed_bytes(size) <= 1.01 * size + 65_536
