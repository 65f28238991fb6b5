"""The site of the documentation in a browser: every page, every link, the search.

Needs what the group ``docs`` installs, and Graphviz; the last test also Chromium with its driver.
"""

from __future__ import annotations

import functools
import http.server
import importlib.util
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest

HERE = Path(__file__).parents[1]
needs_sphinx = pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None or shutil.which("dot") is None,
    reason="needs Sphinx (group docs) and Graphviz",
)
needs_browser = pytest.mark.skipif(
    importlib.util.find_spec("selenium") is None or shutil.which("chromedriver") is None,
    reason="needs selenium (group docs) and Debian's chromium-driver",
)
pytestmark = [pytest.mark.deep, needs_sphinx]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a fresh build, in which a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    argv = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    built = subprocess.run(
        [*argv, str(HERE / "docs"), str(folder)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@needs_browser
def test_every_page_and_link_works_and_the_search_finds(site: str) -> None:
    """Pages have a title and no script error; links lead to pages and to places in them."""
    # Had in this way so that the types are checked also where there is no selenium.
    webdriver = pytest.importorskip("selenium.webdriver")
    waiting = pytest.importorskip("selenium.webdriver.support.ui")
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options) as browser:
        todo, seen, anchors = {site}, set[str](), set[str]()
        places: dict[str, set[str]] = {}
        while todo:
            page = todo.pop()
            seen.add(page)
            browser.get(page)
            assert browser.title, page
            assert "Error response" not in browser.title, page
            ids = [each.get_attribute("id") for each in browser.find_elements("xpath", "//*[@id]")]
            places[page] = {id for id in ids if id}
            for link in browser.find_elements("tag name", "a"):
                target = urljoin(page, link.get_attribute("href") or "")
                plain, anchor = urldefrag(target)
                if not plain.startswith(site):
                    continue
                if anchor:
                    anchors.add(target)
                if plain not in seen:
                    todo.add(plain)
            errors = [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]
            assert not [each for each in errors if "favicon" not in each["message"]], page
        assert len(seen) >= 11
        for target in anchors:
            plain, anchor = urldefrag(target)
            assert anchor in places[plain], f"no place {anchor} in {plain}"
        browser.get(f"{site}search.html?q=mutex")
        found = waiting.WebDriverWait(browser, 20).until(
            lambda b: b.find_elements("css selector", "#search-results li a")
        )
        assert any("configuration" in (each.get_attribute("href") or "") for each in found)
        browser.get(f"{site}states.html")
        picture = browser.find_element("css selector", ".graphviz object, .graphviz img")
        assert picture.size["width"] > 300
