"""Pages in a real browser, without a driver: a page of ours opens them in frames and asks them."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
LOOKS = (Path(__file__).parent / "book_looks.js").read_text(encoding="utf-8")

# Opens one frame after the other. What `look` answers for each is left in the document.
DRIVER = """<!doctype html><meta charset="utf-8"><pre id="found"></pre><script>
%(looks)s
const look = async (w, d, asked) => { %(look)s };
async function open(asked) {
  const frame = document.createElement("iframe");
  if (asked.scripts === false) frame.sandbox = "allow-same-origin";
  frame.style = `width:${asked.width}px;height:${asked.height || 800}px;border:0`;
  const loaded = new Promise((done) => { frame.onload = done; });
  frame.src = asked.page;
  document.body.append(frame);
  await loaded;
  const answer = await look(frame.contentWindow, frame.contentDocument, asked);
  frame.remove();
  return answer;
}
(async () => {
  const found = [];
  for (const asked of %(asked)s) {
    try { found.push(await open(asked)); }
    catch (problem) { console.error(`${asked.page}: ${problem.stack}`); }
  }
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""


def opened(site: Path, asked: list[dict], look: str, dark: bool = False) -> list:
    """What the JavaScript `look` returns for each page asked for: {page, width, scripts, …}.

    It sees `w` and `d`, a page's window and document, `asked`, and the functions of
    book_looks.js. A word of any page on the browser's console is an AssertionError.
    """
    driver = site / "driver.html"
    program = {"looks": LOOKS, "look": look, "asked": json.dumps(asked)}
    driver.write_text(DRIVER % program, encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
        "--enable-logging=stderr", "--window-size=1400,1000", "--virtual-time-budget=900000",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        f"--user-data-dir={site / 'profile'}", "--dump-dom", driver.as_uri(),
    ]  # fmt: skip
    try:
        run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=400)
    finally:
        driver.unlink()
    said = re.findall(r".*CONSOLE(?!.*Blocked script execution).*", run.stderr)
    assert not said, "\n".join(said[:5])
    found = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, re.S)
    assert found and found[1], run.stderr[-2000:]
    answers = json.loads(unescape(found[1]))
    assert len(answers) == len(asked)
    return answers
