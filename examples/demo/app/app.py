"""An example service."""

import os

import requests


def fetch(url: str) -> str:
    token = os.environ["API_TOKEN"]
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=5).text
