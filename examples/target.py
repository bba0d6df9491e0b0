"""An application that llmops-git can evaluate: start it with a port, and name its address as a target in llmops.yaml."""  # noqa: INP001

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Application(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        system = asked["bundle"]["resolved"]["messages"][0]["template"]  # your pipeline goes here
        output = f"{system} {asked['inputs']['message']}".upper()
        reply = {"output": output, "trace": [{"name": "shout", "input": asked["inputs"], "output": output}]}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Application).serve_forever()
