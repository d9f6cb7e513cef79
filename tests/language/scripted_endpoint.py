"""A chat endpoint on the loopback that answers by script and keeps its questions."""

import contextlib
import http.server
import json
import re
import threading
import time
from collections.abc import Callable

# Answers with other than a message: a status, a wait, a broken body.
Reply = str | tuple[int, dict, bytes]


def number_of(question, word):
    """How many numbered lines follow a heading of the shipped instructions."""
    section = question.split(word)[1].split("\n\n")[0]
    return len(re.findall(r"^\d+\. ", section, re.MULTILINE))


def step_of(question):
    """generate, verify or repair."""
    if "were rejected" in question:
        return "repair"
    return "verify" if "Judge each" in question else "generate"


def asked_for(question):
    """How many paraphrases a question wants, or shows to be judged."""
    if step_of(question) == "verify":
        return number_of(question, "Numbered paraphrases:")
    return int(re.search(r"Write (\d) paraphrases", question)[1])


class ScriptedEndpoint:
    """Answers each question by `script(question, number)`.

    Attributes:
      questions: user messages so far.
      headers: of each request.
      base_url: for a client.
    """

    def __init__(self, script: Callable[[str, int], Reply]):
        self.questions, self.headers, self.bodies = [], [], []
        self._script, self._guard = script, threading.Lock()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                endpoint.answer(self)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def answer(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        question = body["messages"][-1]["content"]
        with self._guard:
            number = len(self.questions)
            self.questions.append(question)
            self.headers.append({"path": handler.path, **handler.headers})
            self.bodies.append(body)
        reply = self._script(question, number)
        if isinstance(reply, str):
            message = {"role": "assistant", "content": reply}
            reply = 200, {}, json.dumps({"choices": [{"message": message}]}).encode()
        status, headers, content = reply
        # The client may have gone.
        with contextlib.suppress(OSError):
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def paraphrases(count, tag):
    return json.dumps({"paraphrases": [f"variant {tag}.{n}" for n in range(count)]})


def verdicts(passes):
    judged = [{"passes": p, "reason": "" if p else "says too much"} for p in passes]
    return json.dumps({"verdicts": judged})


def agreeable(question, number):
    """Passes everything."""
    if step_of(question) == "verify":
        return verdicts([True] * asked_for(question))
    return paraphrases(asked_for(question), number)


def hanging(seconds):
    """Answers too late."""

    def script(question, number):
        time.sleep(seconds)
        return agreeable(question, number)

    return script
