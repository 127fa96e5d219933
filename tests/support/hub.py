"""A stand-in for the hub on this machine: what uploads and downloads of models need of its HTTP interface."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import transformers
from huggingface_hub import constants

USER = "me"


class Hub:
    """Its repositories, by id: files by branch and path."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        self.large: dict[str, bytes] = {}
        self.url = ""

    def add_folder(self, repo_id: str, folder: Path) -> None:
        """A repository with the files of a folder."""
        self.repositories[repo_id] = {"main": {path.name: path.read_bytes() for path in folder.iterdir()}}

    def files(self, repo_id: str, branch: str = "main") -> dict[str, bytes]:
        return self.repositories[repo_id][branch]

    def card(self, repo_id: str) -> str:
        return self.files(repo_id)["README.md"].decode()

    def sha(self, repo_id: str, branch: str) -> str:
        content = sorted(
            (path, hashlib.sha1(data).hexdigest()) for path, data in self.files(repo_id, branch).items()
        )
        return hashlib.sha1(json.dumps(content).encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def do_POST(self) -> None:
        path, body = self._path(), self._body()
        hub = self.hub
        if path == "/api/repos/create":
            made = json.loads(body)
            repo_id = f"{made.get('organization') or USER}/{made['name']}"
            if self.headers.get("Authorization") != "Bearer good":
                self._json({"error": "Invalid credentials"}, 401)
            elif repo_id in hub.repositories:
                self._json({"error": "exists", "url": f"{hub.url}/{repo_id}"}, 409)
            else:
                hub.repositories[repo_id] = {"main": {}}
                self._json({"url": f"{hub.url}/{repo_id}"})
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif found := re.fullmatch(r"/api/models/(.+)/branch/(.+)", path):
            branches = hub.repositories[found[1]]
            branches.setdefault(found[2], dict(branches["main"]))
            self._json({})
        elif re.fullmatch(r"/api/models/(.+)/preupload/(.+)", path):
            modes = [
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if each["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for each in json.loads(body)["files"]
            ]
            self._json({"files": modes})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{hub.url}/large/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self._json({"transfer": "basic", "objects": objects})
        elif found := re.fullmatch(r"/api/models/(.+)/commit/(.+)", path):
            files = hub.files(found[1], found[2])
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    files[value["path"]] = hub.large[value["oid"]]
            oid = hub.sha(found[1], found[2])
            self._json({"commitUrl": f"{hub.url}/{found[1]}/commit/{oid}", "commitOid": oid, "success": True})
        else:
            self._json({"error": path}, 404)

    def do_PUT(self) -> None:
        self.hub.large[self._path().rpartition("/")[2]] = self._body()
        self._json({})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, hub = self._path(), self.hub
        if found := re.fullmatch(r"/api/models/(.+?)(?:/(?:revision|tree)/([^/]+)(/.*)?)?", path):
            repo_id, branch = found[1], found[2] or "main"
            if repo_id not in hub.repositories:
                self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            elif "/tree/" in path:
                self._json([])
            else:
                siblings = [{"rfilename": name} for name in hub.files(repo_id, self._branch(repo_id, branch))]
                sha = hub.sha(repo_id, self._branch(repo_id, branch))
                self._json({"id": repo_id, "sha": sha, "siblings": siblings})
        elif found := re.fullmatch(r"/(.+?/.+?)/resolve/([^/]+)/(.+)", path):
            if found[1] not in hub.repositories:
                return self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            branch = self._branch(found[1], found[2])
            content = hub.files(found[1], branch).get(found[3])
            commit = {"X-Repo-Commit": hub.sha(found[1], branch)}
            if content is None:
                return self._json(
                    {"error": "Entry not found"}, 404, {**commit, "X-Error-Code": "EntryNotFound"}
                )
            self._send(content, 200, {**commit, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'})
        else:
            self._json({"error": path}, 404)

    def _branch(self, repo_id: str, revision: str) -> str:
        branches = self.hub.repositories[repo_id]
        return next((name for name in branches if revision in (name, self.hub.sha(repo_id, name))), "main")

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(
            json.dumps(content).encode(), status, {"Content-Type": "application/json", **(headers or {})}
        )

    def _send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def served_hub() -> Iterator[Hub]:
    """A hub without repositories, for a user with the token "good"."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def hub_of_this_process(cache: Path) -> Iterator[Hub]:
    """A hub that libraries of this process take for the hub, which they were not to ask before."""
    with served_hub() as hub, pytest.MonkeyPatch.context() as patch:
        pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.url)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        patch.setattr(constants, "ENDPOINT", hub.url)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # its protocol is not spoken here
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        patch.setattr(transformers.utils.hub, "_hf_api", None)
        patch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(cache / "modules"))
        patch.setenv("HF_TOKEN", "good")
        yield hub
