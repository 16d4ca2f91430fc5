"""Asks the federation client of the Synapse at hand where it would connect.

Reads one server name a line from standard input and writes one JSON object a line: the places that it tries in order
as host and port, the Host header, the name that it expects in the certificate, how many seconds it remembers the
well-known document, and why it gave up. Connections of federation are only noted down, not made; well-known documents
and DNS records are really asked for, with nothing remembered from one line to the next.

Arguments: the address and port of a DNS server, and a file with the certificate of the authority to trust.
"""

import json
import sys
from types import SimpleNamespace

from netaddr import IPSet
from twisted.internet import defer, reactor, ssl, stdio
from twisted.internet._sslverify import trustRootFromCertificates
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IResolverSimple
from twisted.names import client
from twisted.names.dns import A
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer

from synapse.config.server import ProxyConfig
from synapse.crypto.context_factory import FederationPolicyForHTTPS
from synapse.http.federation import matrix_federation_agent as federation
from synapse.http.federation.srv_resolver import SrvResolver
from synapse.util.clock import Clock

DNS_ADDRESS, DNS_PORT, CA_FILE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
dns = client.Resolver(servers=[(DNS_ADDRESS, DNS_PORT)], timeout=(1, 2))


@implementer(IResolverSimple)
class Addresses:
    """The first IPv4 address of a name, by the DNS server and not by the machine."""

    def getHostByName(self, name, timeout=()):
        def first(answer):
            found = [record.payload for record in answer[0] if record.type == A]
            if not found:
                raise DNSLookupError(name)
            return found[0].dottedQuad()

        return dns.lookupAddress(name).addCallback(first)


reactor.installResolver(Addresses())

with open(CA_FILE, "rb") as file:
    trust = trustRootFromCertificates([ssl.Certificate.loadPEM(file.read())])
policy = FederationPolicyForHTTPS(
    SimpleNamespace(
        tls=SimpleNamespace(
            federation_ca_trust_root=trust,
            federation_verify_certificates=True,
            federation_certificate_verification_whitelist=[],
            federation_client_minimum_tls_version="1.2",
        )
    )
)


class Noted(Exception):
    """Instead of a connection."""


class NotedEndpoint:
    """Stands in for a connection of federation. Only this module of Synapse sees it."""

    places: list = []

    def __init__(self, _reactor, host, port):
        NotedEndpoint.places.append([host.decode("ascii"), port])

    def connect(self, _factory):
        return defer.fail(Noted())


federation.HostnameEndpoint = NotedEndpoint
federation.wrapClientTLS = lambda _options, endpoint: endpoint


@defer.inlineCallbacks
def ask(server_name):
    NotedEndpoint.places = []
    seen = {"host": None, "certificate": None}
    agent = federation.MatrixFederationAgent(
        server_name="asker.test",
        reactor=reactor,
        clock=Clock(reactor, "asker.test"),
        tls_client_options_factory=policy,
        user_agent=b"Synapse",
        ip_allowlist=None,
        ip_blocklist=IPSet(),
        proxy_config=ProxyConfig(None, None, None),
        _srv_resolver=SrvResolver(dns_client=dns, cache={}),
    )
    request = agent._agent.request

    def note_request(method, uri, headers, body):
        seen["host"] = headers.getRawHeaders(b"host")[0].decode("latin1")
        parsed = federation.URI.fromBytes(uri)
        seen["certificate"] = parsed.host.decode("latin1")
        return request(method, uri, headers, body)

    agent._agent.request = note_request
    failure = None
    try:
        yield agent.request(b"GET", b"matrix-federation://" + server_name.encode("ascii") + b"/x")
    except Noted:
        pass
    except Exception as error:
        failure = type(error).__name__
    try:
        cache = agent._well_known_resolver._well_known_cache
        _, _, ttl = cache.get_with_expiry(server_name.encode("ascii"))
    except KeyError:
        ttl = None
    return {"places": NotedEndpoint.places, "remembers": ttl, "failure": failure, **seen}


class Questions(LineReceiver):
    delimiter = b"\n"

    @defer.inlineCallbacks
    def lineReceived(self, line):
        try:
            answer = yield ask(line.decode("ascii"))
        except Exception as error:
            answer = {"error": repr(error)}
        self.sendLine(json.dumps(answer).encode("ascii"))

    def connectionLost(self, reason=None):
        reactor.stop()


stdio.StandardIO(Questions())
reactor.run()
