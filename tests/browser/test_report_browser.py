"""The HTML report in Chromium: no request leaves it, nothing fails, nothing overflows.

Skipped where there is no Chromium, failing there with DAGREG_REQUIRE_BROWSER=1.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import threading
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dagreg.report.document import document
from dagreg.report.prose import runs
from dagreg.report.render import render
from tests.report_cases import CASES, coaching

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)

# Measured within an iframe of the width asked for: a headless window is never narrower than 500 px.
FRAME = """<!DOCTYPE html><body style="margin:0">
<iframe id="page" src="/report" style="border:0;width:{width}px;height:900px"></iframe>
<pre id="measured"></pre>
<script>
document.getElementById("page").onload = function () {{
  const page = this.contentDocument;
  page.querySelectorAll("details").forEach(function (d) {{ d.open = true; }});
  const overflowing = [...page.querySelectorAll("body *")].filter(function (e) {{
    return e.getBoundingClientRect().right > {width} + 1 && !e.closest(".scroll") && !e.closest("pre");
  }});
  const cut = [...page.querySelectorAll("caption")].filter(function (e) {{
    const text = page.createRange();
    text.selectNodeContents(e);
    return text.getBoundingClientRect().right > {width} + 1;
  }});
  document.getElementById("measured").textContent = JSON.stringify({{
    width: page.documentElement.clientWidth,
    scrollWidth: page.documentElement.scrollWidth,
    overflowing: [...overflowing, ...cut].map(e => e.outerHTML.slice(0, 120)),
    requests: this.contentWindow.performance.getEntriesByType("resource").map(e => e.name),
  }});
}};
</script>
"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        if os.environ.get("DAGREG_REQUIRE_BROWSER") == "1":
            pytest.fail("DAGREG_REQUIRE_BROWSER=1 and there is no Chromium")
        pytest.skip("there is no Chromium")
    return found


class Site:
    """Serves one report, and a page that frames it; remembers every path asked for."""

    def __init__(self, report: str, width: int) -> None:
        self.asked: list[str] = []
        pages = {"/report": report, "/frame": FRAME.format(width=width)}
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                body = pages.get(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write((body or "").encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Site:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"


def browse(chromium: str, profile: Path, url: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", *flags, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def console(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.mark.parametrize("case", ["coaching", "nasty", "several", "explain_unidentified"])
def test_asks_for_nothing_and_reports_no_error(chromium, tmp_path, case):
    subject = CASES[case]()
    with Site(render(subject, "html"), 1200) as site:
        done = browse(chromium, tmp_path / "profile", site.url("/report"), "--dump-dom")
    assert site.asked == ["/report"]
    assert console(done) == []
    shown = _headings(done.stdout)
    for section in document(subject).sections:
        assert " ".join("".join(piece for _, piece in runs(section.title)).split()) in shown


@pytest.mark.parametrize("width", [375, 768, 1200])
@pytest.mark.parametrize("case", ["coaching", "nasty", "several", "bad_diagnostics", "explain_unidentified"])
def test_nothing_overflows(chromium, tmp_path, case, width):
    with Site(render(CASES[case](), "html"), width) as site:
        done = browse(
            chromium,
            tmp_path / "profile",
            site.url("/frame"),
            "--dump-dom",
            "--virtual-time-budget=3000",
            "--window-size=1400,1000",
        )
    measured = json.loads(
        html.unescape(re.search(r'<pre id="measured">(.*?)</pre>', done.stdout, re.DOTALL)[1])
    )
    assert measured["overflowing"] == []
    assert measured["scrollWidth"] <= measured["width"] <= width
    assert measured["requests"] == []


def test_the_guard_notices_what_would_be_fetched(chromium, tmp_path):
    """The tests above would see a request: a page with a picture makes one."""
    page = "<!DOCTYPE html><title>x</title><link rel='icon' href='data:,'><img src='/picture.png'>"
    with Site(page, 1200) as site:
        browse(chromium, tmp_path / "profile", site.url("/report"), "--dump-dom")
    assert "/picture.png" in site.asked


def test_can_be_looked_at_and_printed(chromium, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(render(coaching(), "html"), encoding="utf-8")
    picture, paper = tmp_path / "report.png", tmp_path / "report.pdf"
    browse(chromium, tmp_path / "a", path.as_uri(), f"--screenshot={picture}", "--window-size=1200,1600")
    browse(chromium, tmp_path / "b", path.as_uri(), f"--print-to-pdf={paper}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert paper.read_bytes().startswith(b"%PDF")


class _Headings(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        if re.fullmatch(r"h[1-6]", tag):
            self.inside = True
            self.found.append("")

    def handle_endtag(self, tag):
        if re.fullmatch(r"h[1-6]", tag):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.found[-1] += data


def _headings(page: str) -> list[str]:
    parser = _Headings()
    parser.feed(page)
    return [" ".join(text.split()) for text in parser.found]
