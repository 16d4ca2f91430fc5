import type { HttpsFailure, HttpsOutcome, TlsFacts } from '../../src/base/https-exchange.ts';
import { good } from '../../src/base/parsed.ts';
import type { Resolution, WellKnownHop } from '../../src/discovery/resolution.ts';
import type { AddressFacts, Facts } from '../../src/federation-tester/facts.ts';
import type { CertificateSeen } from '../../src/federation-tester/read-certificates.ts';
import { buildKeyDocument } from '../../src/matrix/key-document.ts';
import { named } from '../discovery/world.ts';
import { KEY } from './stand-in.ts';

/** The time of all facts that are made by hand. */
export const NOW = Date.UTC(2027, 0, 15);
export const DAY = 86_400_000;
export const NAME = 'example.com';

export const TLS: TlsFacts = {
  version: 'TLS 1.3',
  cipherSuite: 'TLS_AES_128_GCM_SHA256',
  alpn: 'http/1.1',
  chain: [],
  untrusted: undefined,
};

export function answered(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpsOutcome {
  const all = { 'Content-Type': 'application/json', ...headers };
  return {
    ok: true,
    tls: TLS,
    status,
    headers: Object.entries(all),
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    cut: false,
    took: 20,
  };
}

export function failed(failure: HttpsFailure, tls?: TlsFacts): HttpsOutcome {
  return { ok: false, failure, words: `it failed (${failure})`, tls, took: 20 };
}

export const UNAUTHORIZED = answered(401, { errcode: 'M_UNAUTHORIZED', error: 'Missing Authorization headers' });

export function leaf(more: Partial<CertificateSeen> = {}): CertificateSeen {
  return {
    subject: NAME,
    issuer: 'Some Authority',
    dnsNames: [NAME],
    ipAddresses: [],
    notBefore: NOW - 10 * DAY,
    notAfter: NOW + 80 * DAY,
    fingerprint: 'c29tZSBmaW5nZXJwcmludCBvZiBhIGNlcnRpZmljYXQ',
    selfSigned: false,
    issuedByNext: true,
    ...more,
  };
}

/** A healthy address. */
export function address(more: Partial<AddressFacts> = {}): AddressFacts {
  return {
    host: NAME,
    port: 8448,
    address: '192.0.2.1',
    private: false,
    refused: undefined,
    tls: TLS,
    certificates: [leaf()],
    keys: answered(200, buildKeyDocument(NAME, KEY, NOW + DAY)),
    skew: -400,
    version: answered(200, { server: { name: 'Synapse', version: '1.160.0' } }),
    unknown: answered(404, { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' }),
    unsigned: { plain: UNAUTHORIZED, escaped: UNAUTHORIZED },
    signed: undefined,
    body: UNAUTHORIZED,
    hold: undefined,
    ...more,
  };
}

/** An address where nobody is. */
export function dead(at: string, failure: HttpsFailure): AddressFacts {
  const nothing = { tls: undefined, version: undefined, unknown: undefined, body: undefined, skew: undefined };
  const unsigned = { plain: undefined, escaped: undefined };
  return address({ ...nothing, unsigned, certificates: [], address: at, keys: failed(failure) });
}

export function resolution(more: Partial<Resolution> = {}): Resolution {
  const addresses = { host: NAME, cname: undefined, addresses: ['192.0.2.1'], error: undefined };
  return {
    serverName: named(NAME),
    step: '6',
    destinations: [{ host: NAME, port: 8448, addresses }],
    hostHeader: NAME,
    certificateName: NAME,
    wellKnown: undefined,
    srv: [],
    trace: [],
    ...more,
  };
}

/** A healthy server on port 8448 of its name. */
export function facts(more: Partial<Facts> = {}): Facts {
  return {
    asked: NAME,
    serverName: good(named(NAME)),
    at: NOW,
    took: 300,
    complete: true,
    resolution: resolution(),
    wellKnownAt: [],
    otherSrv: [],
    oldServers: [],
    addresses: [address()],
    leftOut: 0,
    otherPort: undefined,
    identity: undefined,
    ...more,
  };
}

export function hop(outcome: HttpsOutcome | undefined): WellKnownHop {
  return { url: `https://${NAME}/.well-known/matrix/server`, address: '192.0.2.80', outcome, refused: undefined };
}
