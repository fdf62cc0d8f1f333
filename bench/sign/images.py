#!/usr/bin/env python3
"""Pushes images of one small layer to a registry on loopback: images.py HOST IMAGE...

IMAGE is `repository:tag`, or `repository:tag+N` for an index of N platforms. Every image has its own content."""

import hashlib
import http.client
import json
import sys

OCI = "application/vnd.oci.image."


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    def __init__(self, host: str) -> None:
        self.connection = http.client.HTTPConnection(host, timeout=30)

    def ask(self, method: str, path: str, body: bytes = b"", media_type: str = "application/octet-stream") -> str:
        self.connection.request(method, path, body, {"content-type": media_type})
        response = self.connection.getresponse()
        response.read()
        if response.status not in (201, 202):
            raise SystemExit(f"{method} {path}: {response.status}")
        return response.getheader("location") or ""

    def blob(self, repository: str, data: bytes) -> dict:
        place = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        self.ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest(data)}", data)
        return {"digest": digest(data), "size": len(data)}

    def manifest(self, repository: str, reference: str, media_type: str, document: dict) -> dict:
        data = json.dumps({"schemaVersion": 2, "mediaType": media_type, **document}).encode()
        self.ask("PUT", f"/v2/{repository}/manifests/{reference or digest(data)}", data, media_type)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def image(self, repository: str, tag: str, content: str, architecture: str) -> dict:
        layer = self.blob(repository, content.encode())
        config = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}
        return self.manifest(repository, tag, OCI + "manifest.v1+json", {
            "config": {"mediaType": OCI + "config.v1+json", **self.blob(repository, json.dumps(config).encode())},
            "layers": [{"mediaType": OCI + "layer.v1.tar", **layer}],
        })


def main() -> None:
    registry = Registry(sys.argv[1])
    for image in sys.argv[2:]:
        name, _, platforms = image.partition("+")
        repository, tag = name.rsplit(":", 1)
        if not platforms:
            registry.image(repository, tag, image, "amd64")
            continue
        children = []
        for number in range(int(platforms)):
            platform = {"os": "linux", "architecture": "arm", "variant": f"v{number}"}
            child = registry.image(repository, "", f"{image} {number}", "arm")
            children.append({**child, "platform": platform})
        registry.manifest(repository, tag, OCI + "index.v1+json", {"manifests": children})


if __name__ == "__main__":
    main()
