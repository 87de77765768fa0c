"""Imports every part of the client that a generator made of the API's document, and asks a daemon with it.

Arguments: the folder that the client lies in, and the daemon's socket.
"""

import importlib
import pkgutil
import sys

import httpx

folder, socket = sys.argv[1:]
sys.path.insert(0, folder)
import generated  # noqa: E402

parts = [part.name for part in pkgutil.walk_packages(generated.__path__, "generated.")]
for part in parts:
    importlib.import_module(part)

from generated.api.default import act_on, pending, service, services, version  # noqa: E402
from generated.models import Act, FailureKind, Outcome, Service, Verb  # noqa: E402

transport = httpx.HTTPTransport(uds=socket)
client = generated.Client(base_url="http://localhost", httpx_args={"transport": transport})
assert version.sync(client=client).api == [1]
assert [one.name for one in services.sync(client=client).services] == ["web"]
assert pending.sync(client=client).steps == []
outcome = act_on.sync("web", Verb.STOP, client=client, body=Act(), operation_id="generated-1")
assert isinstance(outcome, Outcome) and outcome.services[0].changed, outcome
shown = service.sync("web", client=client)
assert isinstance(shown, Service) and shown.state == "STOPPED", shown
failure = service.sync("none", client=client)
assert failure.kind is FailureKind.NO_SUCH_SERVICE, failure
print(len(parts))
