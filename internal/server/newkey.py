"""Makes a service account with an API key in the database that the settings name, and prints the key.

For a throw-away copy that no server uses yet. The answer is one JSON line on the last line of
standard output: ZenML itself may write before it.
"""

import json
import sys

from zenml.client import Client
from zenml.models import APIKeyRequest, ServiceAccountRequest


def main(name):
    store = Client().zen_store
    account = store.create_service_account(ServiceAccountRequest(name=name, active=True))
    key = store.create_api_key(account.id, APIKeyRequest(name=name))
    print("\n" + json.dumps({"key": key.key}))


if __name__ == "__main__":
    main(sys.argv[1])
