#!/usr/bin/env python3
"""What a team writes for itself: the same message with requests and slack_sdk. peer.py BASE_URL PATH...

The first path is Slack's, and is sent to by its SDK; all are sent to side by side, with the retries of the libraries."""

import concurrent.futures
import sys

import requests
from slack_sdk.webhook import WebhookClient
from urllib3.util.retry import Retry

FACTS = {"Branch": "main", "Commit": "4f2c1aa Fix the cart", "Author": "Author", "Build": "#128"}
TITLE = "org/shop main succeeded"


def slack(url: str) -> None:
    fields = [{"type": "mrkdwn", "text": f"*{label}*\n{value}"} for label, value in FACTS.items()]
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": TITLE}},
        {"type": "section", "fields": fields},
    ]
    response = WebhookClient(url).send(text=TITLE, blocks=blocks)
    if response.status_code != 200:
        raise RuntimeError(response.body)


def other(url: str) -> None:
    session = requests.Session()
    retry = Retry(total=3, backoff_factor=0.5, status_forcelist=[429, 500, 502, 503], allowed_methods=None)
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
    session.post(url, json={"title": TITLE, "fields": FACTS}, timeout=15).raise_for_status()


def main() -> None:
    base, first, *rest = sys.argv[1:]
    with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
        sending = [pool.submit(slack, base + first)] + [pool.submit(other, base + path) for path in rest]
        for one in sending:
            one.result()


if __name__ == "__main__":
    main()
