"""Ask what an editor asks: a language server on its standard input and output."""

import json
import subprocess
import sys
from pathlib import Path


class LanguageServer:
    """pyright's, in `folder`. As a context manager; `hover` gives what it shows beside a name."""

    def __init__(self, folder):
        self.folder, self.number = Path(folder), 0
        command = [sys.executable, "-m", "pyright.langserver", "--stdio"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self):
        self.ask("initialize", processId=None, rootUri=self.folder.as_uri(), capabilities={})
        self.tell("initialized")
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.communicate()

    def send(self, **message):
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self.process.stdin.flush()

    def tell(self, method, **params):
        self.send(method=method, params=params)

    def ask(self, method, **params):
        """The server's answer; its own questions in between are answered with nothing."""
        self.number += 1
        self.send(id=self.number, method=method, params=params)
        while True:
            message = self.receive()
            if "method" in message and "id" in message:  # one null for each setting it asks for
                wanted = (message.get("params") or {}).get("items")
                self.send(id=message["id"], result=wanted and [None for _ in wanted])
            elif message.get("id") == self.number:
                return message["result"]

    def receive(self):
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            if not line:
                raise EOFError("the language server has ended")
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self.process.stdout.read(length))

    def hover(self, text, words):
        """What is shown where the cursor is on the last letter of each of these, in `text`."""
        uri = (self.folder / "script.py").as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        for word in words:
            before = text[: text.index(word) + len(word) - 1]
            position = {
                "line": before.count("\n"),
                "character": len(before) - before.rfind("\n") - 1,
            }
            shown = self.ask("textDocument/hover", textDocument={"uri": uri}, position=position)
            yield shown["contents"]["value"] if shown else ""
