#!/usr/bin/env python3
"""Judges files by others' code: validate.py KIND FILE...

KIND is cyclonedx, spdx, sarif, junit, or a request's body: slack, teams, discord, pagerduty, otlp-traces, otlp-metrics,
github-status, github-deployment, github-deployment-status.

Exit code 0: all are valid. 1: at least one is not, with the reasons. 2: used wrongly. 3: `make bootstrap` has not run.
Nothing is fetched.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# A broken document can have thousands; the first ones tell what is wrong.
MOST_REASONS = 20


def folder() -> pathlib.Path:
    """Where install.sh has put everything: its rule, repeated."""
    names = ("requirements.txt", "install.sh", "package-lock.json")
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in names))
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "pipewright" / f"validators-{digest.hexdigest()[:16]}"


def cyclonedx(path: pathlib.Path) -> list[str]:
    """The strict JSON validator of CycloneDX' own library, then its object model, which finds loose references."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = path.read_text(encoding="utf-8")
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text, all_errors=True)
    if errors:
        return [str(error) for error in errors]
    document = json.loads(text)
    references = [item["bom-ref"] for item in document.get("components", []) if "bom-ref" in item]
    known = set(references) | {document["metadata"]["component"]["bom-ref"]}
    reasons = [f"{name} is used twice" for name in known if references.count(name) > 1]
    for entry in document.get("dependencies", []):
        names = [entry["ref"], *entry.get("dependsOn", [])]
        reasons += [f"{name} is referred to and not there" for name in names if name not in known]
    if not reasons:
        Bom.from_json(document).validate()
    return reasons


def spdx(path: pathlib.Path) -> list[str]:
    """SPDX' own Python tools: read strictly, then validated in full."""
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.json import json_parser
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    try:
        document = json_parser.parse_from_file(str(path))
    except SPDXParsingError as error:
        return error.get_messages()
    messages = validate_full_spdx_document(document, "SPDX-2.3")
    return [f"{message.context.spdx_id}: {message.validation_message}" for message in messages]


def sarif(path: pathlib.Path) -> list[str]:
    """The official schema, with formats."""
    from jsonschema import Draft7Validator, FormatChecker

    schema = json.loads((folder() / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    validator = Draft7Validator(schema, format_checker=FormatChecker())
    errors = validator.iter_errors(json.loads(path.read_text(encoding="utf-8")))
    return [f"{error.json_path}: {error.message}" for error in errors]


def junit(path: pathlib.Path) -> list[str]:
    """Jenkins' schema."""
    import xmlschema

    schema = xmlschema.XMLSchema10(str(folder() / "junit-10.xsd"), allow="local")
    return [f"{error.path}: {error.reason}" for error in schema.iter_errors(str(path))]


def slack(path: pathlib.Path) -> list[str]:
    """Slack's own block models. What they know is what they give back."""
    from slack_sdk.models.attachments import BlockAttachment
    from slack_sdk.models.blocks import Block

    message = json.loads(path.read_text(encoding="utf-8"))
    groups = [message.get("blocks", []), *(item["blocks"] for item in message.get("attachments", []))]
    reasons = []
    for block in (block for group in groups for block in group):
        parsed = Block.parse(block)
        known = parsed and parsed.to_dict()
        if known != block:
            reasons.append(f"of {block} only {known} is known")
    for item in message.get("attachments", []):
        blocks = [Block.parse(block) for block in item["blocks"]]
        BlockAttachment(blocks=blocks, color=item["color"], fallback=item["fallback"]).to_dict()
    return reasons


def node(script: str):
    """A judge that runs on Node."""

    def judge(path: pathlib.Path) -> list[str]:
        command = ["node", str(HERE / script), str(folder() / "node_modules"), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        failed = [f"{script} failed: {done.stderr.strip()}"] if done.returncode else []
        return done.stdout.splitlines() + failed

    return judge


def otlp(signal: str):
    """The protocol's own messages, which take no field that they do not have."""

    def judge(path: pathlib.Path) -> list[str]:
        from google.protobuf import json_format
        from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

        text = json.loads(path.read_text(encoding="utf-8"))
        message = json_format.ParseDict(text, {"traces": TracesData, "metrics": MetricsData}[signal]())
        return [] if message.ByteSize() else ["nothing is in it"]

    return judge


def github(kind: str):
    """The schema of a request's body in GitHub's description of its API; what has no name there is no part of it."""

    def judge(path: pathlib.Path) -> list[str]:
        # No format is asked for, and the grammar that one of them needs takes seconds to read.
        sys.modules["rfc3987_syntax"] = None
        from jsonschema import Draft202012Validator

        schema = json.loads((folder() / "github.json").read_text(encoding="utf-8"))[kind]
        errors = Draft202012Validator({**schema, "additionalProperties": False}).iter_errors(json.loads(path.read_text()))
        return [f"{error.json_path}: {error.message}" for error in errors]

    return judge


def pagerduty(path: pathlib.Path) -> list[str]:
    """PagerDuty's own client, asked to tell the same, has to send the same. An event is a change if it has no action."""
    from httpx2 import Request, Response
    from pagerduty import EventsApiV2Client

    event = json.loads(path.read_text(encoding="utf-8"))
    sent = []

    class Client(EventsApiV2Client):
        def post(self, url, **options):
            sent.append(options["json"])
            return Response(202, json={"dedup_key": event.get("dedup_key")}, request=Request("POST", f"https://x.example{url}"))

    client = Client(event.pop("routing_key"))
    payload = event.get("payload", {})
    named = {key: payload.get(key) for key in ("summary", "source", "custom_details")}
    if event.get("event_action") == "trigger":
        others = {key: payload[key] for key in ("timestamp", "component", "group") if key in payload}
        named |= {"severity": payload.get("severity"), "dedup_key": event["dedup_key"], "links": event.get("links")}
        client.trigger(payload=others, **named)
    elif event.get("event_action") == "resolve":
        client.resolve(event["dedup_key"])
    else:
        client.submit(links=event.get("links"), timestamp=payload.get("timestamp"), **named)
    nothing = [f"{key} is null" for key, value in [*event.items(), *payload.items()] if value is None]
    return nothing + ([] if sent == [event] else [f"the client sends {sent}"])


KINDS = {
    "pagerduty": pagerduty,
    "cyclonedx": cyclonedx,
    "spdx": spdx,
    "sarif": sarif,
    "junit": junit,
    "slack": slack,
    "teams": node("card.cjs"),
    "discord": node("embed.mjs"),
    "otlp-traces": otlp("traces"),
    "otlp-metrics": otlp("metrics"),
    "github-status": github("github-status"),
    "github-deployment": github("github-deployment"),
    "github-deployment-status": github("github-deployment-status"),
}


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or arguments[0] not in KINDS:
        print(__doc__, file=sys.stderr)
        return 2
    home = folder()
    if not (home / "ready").exists():
        print("validate.py: the validators are missing; run make bootstrap", file=sys.stderr)
        return 3
    if pathlib.Path(sys.prefix) != home / "venv":
        python = str(home / "venv" / "bin" / "python")
        os.execv(python, [python, "-I", __file__, *arguments])
    invalid = False
    for name in arguments[1:]:
        try:
            reasons = KINDS[arguments[0]](pathlib.Path(name))
        except Exception as error:  # noqa: BLE001 - whatever a validator trips over is a reason
            reasons = [f"{type(error).__name__}: {error}"]
        for reason in reasons[:MOST_REASONS]:
            print(f"{name}: {reason}", file=sys.stderr)
        if len(reasons) > MOST_REASONS:
            print(f"{name}: and {len(reasons) - MOST_REASONS} more", file=sys.stderr)
        invalid = invalid or bool(reasons)
    return 1 if invalid else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
