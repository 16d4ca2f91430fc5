import { isIP } from 'node:net';
import { formatHostPort } from '../../base/address.ts';
import type { DnsClient } from '../../base/dns.ts';
import type { DnsExchange, DnsServer } from '../../base/dns-exchange.ts';
import { describeError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import { encodeUpdate, parseMessage } from './dns-message.ts';
import { type ChallengeRecord, type DnsProvider, providerFailed } from './dns-provider.ts';
import { signMessage, type TsigKey, verifyAnswer } from './tsig.ts';
import { within } from './within.ts';

export interface Rfc2136Slice {
  /** The zone's primary name server: a name or an address. */
  readonly host: string;
  readonly port: number;
  readonly key: TsigKey;
  /** The zone to write to; found by asking that server for SOA records if it is not given. */
  readonly zone?: string | undefined;
}

export interface Rfc2136Deps {
  readonly system: System;
  readonly dns: DnsClient;
  readonly exchange: DnsExchange;
}

const TITLE = 'rfc2136';
/** Seconds that resolvers may remember a record that is there for minutes. */
const TTL = 60;
/** Milliseconds for one update, the search for server and zone included. */
const TIMEOUT = 30_000;

/** A name server that takes DNS UPDATE (RFC 2136) signed with TSIG (RFC 8945): BIND, Knot, PowerDNS. */
export function createRfc2136Provider(slice: Rfc2136Slice, deps: Rfc2136Deps): DnsProvider {
  const { key } = slice;
  const { system, dns, exchange } = deps;
  const where = formatHostPort(slice.host, slice.port);

  async function findServer(): Promise<DnsServer> {
    if (isIP(slice.host) !== 0) return { address: slice.host, port: slice.port };
    try {
      const [first] = await system.lookup(slice.host);
      if (first !== undefined) return { address: first.address, port: slice.port };
      throw new Error('it has no address');
    } catch (cause) {
      throw providerFailed(TITLE, `the name server ${slice.host} cannot be found: ${describeError(cause)}`, {
        hint: 'Check its name, or write its address.',
        blame: 'operator',
        retryAfter: 60,
        cause,
      });
    }
  }

  async function findZone(name: string, server: DnsServer, signal: AbortSignal): Promise<string> {
    if (slice.zone !== undefined) return slice.zone;
    const options = { server: formatHostPort(server.address, server.port), signal };
    for (let zone = name; zone !== ''; zone = zone.includes('.') ? zone.slice(zone.indexOf('.') + 1) : '') {
      if ((await dns.resolveSoa(zone, options)) !== undefined) return zone;
    }
    throw providerFailed(TITLE, `${where} has no zone that ${name} is in`, {
      hint: 'Check that it is the primary name server of that zone, or name the zone in the configuration.',
      blame: 'operator',
    });
  }

  async function update(
    action: 'add' | 'remove',
    { name, value }: ChallengeRecord,
    signal: AbortSignal,
  ): Promise<void> {
    const server = await findServer();
    const zone = await findZone(name, server, signal);
    const id = system.randomBytes(2).readUInt16BE();
    const signed = signMessage(encodeUpdate({ id, zone, name, value, action, ttl: TTL }), key, system.now());
    const answer = await exchange(signed.message, server, signal);
    const rcode = parseMessage(answer)?.rcode;
    const signature = verifyAnswer(answer, key, signed.mac, system.now());
    const serverTime = signature.serverTime;
    const offset = serverTime === undefined ? undefined : Math.round((serverTime - system.now()) / 1000);
    const trouble = explain(rcode, signature.error, offset, zone, key);
    if (trouble !== undefined) {
      throw providerFailed(TITLE, `${where} refuses to change ${name}: ${trouble.why}`, {
        hint: trouble.hint,
        blame: 'operator',
        retryAfter: 60,
      });
    }
    if (!signature.good) {
      throw providerFailed(TITLE, `the answer of ${where} cannot be trusted: ${signature.why}`, {
        hint: `Check that the key ${key.name} is the same there, and that nobody answers in that server's place.`,
        blame: 'operator',
        retryAfter: 60,
      });
    }
  }

  const late = (): Error =>
    providerFailed(TITLE, `${where} took longer than ${TIMEOUT / 1000} s`, {
      hint: 'Check its address, and that this machine may reach it on that port, UDP and TCP.',
      retryAfter: 60,
    });

  return {
    title: TITLE,
    set: (record, signal) => within(system, TIMEOUT, signal, late, (bounded) => update('add', record, bounded)),
    unset: (record) => within(system, TIMEOUT, undefined, late, (bounded) => update('remove', record, bounded)),
  };
}

/** What a response code (RFC 1035, RFC 2136, RFC 8945) means to the person who runs the name server. */
function explain(
  rcode: number | undefined,
  tsigError: number,
  clockOffset: number | undefined,
  zone: string,
  key: TsigKey,
): { readonly why: string; readonly hint: string } | undefined {
  if (rcode === 0) return undefined;
  if (rcode === undefined) return { why: 'its answer is damaged', hint: 'Check that a name server listens there.' };
  const sameKey = `Check name, algorithm (${key.algorithm}) and secret of the key ${key.name} on both sides.`;
  if (tsigError === 16) return { why: 'it finds our signature wrong (BADSIG)', hint: sameKey };
  if (tsigError === 17) return { why: `it does not know the key ${key.name} (BADKEY)`, hint: sameKey };
  if (tsigError === 18) {
    const off = clockOffset === undefined ? '' : `: they are ${Math.abs(clockOffset)} s apart`;
    return { why: `its clock and ours differ too much (BADTIME)${off}`, hint: 'Set the clocks of both machines.' };
  }
  const allow = `Allow the key ${key.name} to change TXT records in ${zone} there (BIND: update-policy or allow-update).`;
  switch (rcode) {
    case 1:
      return { why: 'it could not read the update (FORMERR)', hint: 'Check that it takes dynamic updates.' };
    case 2:
      return { why: 'it failed (SERVFAIL)', hint: 'See what it logs; often it may not write the file of the zone.' };
    case 4:
      return { why: 'it does not take updates (NOTIMP)', hint: allow };
    case 5:
      return { why: 'the key is not allowed to (REFUSED)', hint: allow };
    case 9:
      return { why: `it is not the primary server of ${zone} (NOTAUTH)`, hint: 'Name the primary server of the zone.' };
    case 10:
      return { why: `the name is not in ${zone} (NOTZONE)`, hint: 'Name the zone that the record is in.' };
    default:
      return { why: `response code ${rcode}`, hint: 'See what it logs.' };
  }
}
