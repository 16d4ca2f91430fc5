import { isIPv6 } from 'node:net';
import { formatHostPort } from '../base/address.ts';
import type { HttpsFailure } from '../base/https-exchange.ts';
import type { Resolution } from '../discovery/resolution.ts';
import type { AddressFacts, Facts, PlaceFacts } from './facts.ts';
import type { FindingId } from './finding-kinds.ts';
import { meantPlace } from './meant-place.ts';
import { describeOutcome } from './read-answer.ts';
import { areKeysGood, readKeys } from './read-keys.ts';
import type { NotTested, Remark } from './verdict.ts';
import { writeNginxWellKnown, writeSrvRecord, writeWellKnown } from './write-lines.ts';

const DEAD: Readonly<Partial<Record<HttpsFailure, readonly [FindingId, fix: string]>>> = {
  refused: [
    'connection-refused',
    'Start what should listen there (`ss -ltn` shows what does), on all interfaces, and forward the port to it.',
  ],
  'connect-timeout': [
    'connection-timeout',
    'Open the port in the firewall and forward it on the router: packets from outside are dropped on the way.',
  ],
  unreachable: [
    'connection-unreachable',
    'Check that the address in the DNS is the one that your server has, and that it is online.',
  ],
};

/** Whether nobody took the connection: other servers then try the next address. */
export function isDead(about: AddressFacts): boolean {
  return about.keys?.ok === false && DEAD[about.keys.failure] !== undefined;
}

/** Whether that may just as well be the fault of the machine that tests: many have no IPv6. */
export function isOutOfOurReach(about: AddressFacts): boolean {
  return isIPv6(about.address) && about.keys?.ok === false && about.keys.failure === 'unreachable';
}

/** Who takes connections, over which family. */
export function* judgeConnections(facts: Facts, resolution: Resolution, now: number): Generator<Remark> {
  const asked = facts.addresses.filter((about) => about.keys !== undefined);
  const dead = asked.filter((about) => isDead(about) && !isOutOfOurReach(about));
  const alive = asked.filter((about) => !isDead(about));
  if (asked.length === 0) return;
  if (alive.length === 0) {
    yield* judgeAllDead(facts, asked, resolution, now);
    return;
  }
  if (dead.length === 0) return;
  const familyOf = (about: AddressFacts): 4 | 6 => (isIPv6(about.address) ? 6 : 4);
  const [deadFamilies, aliveFamilies] = [new Set(dead.map(familyOf)), new Set(alive.map(familyOf))];
  const evidence = dead.map((about) => `${placeOf(about)}: ${describeOutcome(about.keys)}`).join('; ');
  if (deadFamilies.size === 1 && !aliveFamilies.has(familyOf(dead[0]!))) {
    const lost = familyOf(dead[0]!);
    const record = lost === 6 ? 'AAAA' : 'A';
    yield {
      id: lost === 6 ? 'ipv6-dead' : 'ipv4-dead',
      evidence,
      fix:
        lost === 6
          ? 'Make the server answer over IPv6, or remove the AAAA record: until then, other servers lose time or give up on it.'
          : 'Make the server answer over IPv4: most servers have nothing else. If it has no such address, remove the A record.',
      lines: dead.map((about) => `${about.host}. IN ${record} ${about.address}   ; does not answer`),
    };
    return;
  }
  yield {
    id: 'address-dead',
    evidence,
    fix: 'Make the server answer at every address, or remove the dead addresses (or SRV records) from the DNS.',
  };
}

function* judgeAllDead(
  facts: Facts,
  dead: readonly AddressFacts[],
  resolution: Resolution,
  now: number,
): Generator<Remark> {
  const evidence = (one: AddressFacts): string => `${placeOf(one)}: ${describeOutcome(one.keys)}`;
  const instead = facts.otherPort;
  const name = resolution.serverName.text;
  if (instead !== undefined && areKeysGood(readKeys(instead.keys, name), name, now)) {
    const seen = `port ${instead.port} of ${instead.host} does serve the keys of ${name}`;
    const all = `${dead.map(evidence).join('; ')}; but ${seen}`;
    yield resolution.step === '6'
      ? {
          id: 'delegation-missing',
          evidence: all,
          fix: `Publish at https://${name}/.well-known/matrix/server where your server is, or let it listen on port 8448 as well.${sayUntrusted(instead)}`,
          lines: [writeWellKnown(instead.host, instead.port), ...writeNginxWellKnown(instead.host, instead.port)],
        }
      : { id: 'port-wrong', evidence: all, ...correctPort(resolution, instead.host, instead.port) };
    return;
  }
  if (dead.every(isOutOfOurReach)) {
    yield {
      id: 'connection-unreachable',
      severity: 'warning',
      evidence: dead.map(evidence).join('; '),
      fix: 'Test again from a machine that has IPv6: there is no other address, and this machine cannot reach that one. If you can, publish an A record as well: many servers have IPv4 alone.',
    };
    return;
  }
  for (const one of dead) {
    const [id, fix] = DEAD[(one.keys as { failure: HttpsFailure }).failure]!;
    yield { id, evidence: evidence(one), fix };
  }
}

/** The right port alone does not help then. */
function sayUntrusted({ keys }: PlaceFacts): string {
  const untrusted = keys?.ok === true ? keys.tls.untrusted : undefined;
  return untrusted === undefined ? '' : ` Its certificate has to be mended as well: ${untrusted.words}.`;
}

function correctPort(resolution: Resolution, host: string, port: number): Pick<Remark, 'fix' | 'lines'> {
  const { step, serverName, srv } = resolution;
  if (step === '1' || step === '2') {
    return { fix: `Listen on port ${meantPlace(resolution)?.port}: the server name itself says so.` };
  }
  const record = srv.find((lookup) => lookup.records.length > 0);
  if (record !== undefined) {
    const like = record.records.find(({ target }) => target === host);
    return { fix: 'Correct the port in the SRV record.', lines: [writeSrvRecord(record.name, port, host, like)] };
  }
  return {
    fix: `Correct the port in https://${serverName.host}/.well-known/matrix/server.`,
    lines: [writeWellKnown(host, port)],
  };
}

/** What cannot be said about IPv6 from a machine that has none. */
export function* listUnreachable(facts: Facts): Generator<NotTested> {
  const alive = facts.addresses.some((about) => about.keys !== undefined && !isDead(about));
  for (const about of facts.addresses) {
    if (about.refused !== undefined) yield { what: placeOf(about), why: about.refused };
    else if (alive && isOutOfOurReach(about)) {
      yield { what: placeOf(about), why: 'this machine cannot reach IPv6 addresses, or not that one' };
    }
  }
}

/** `192.0.2.1:8448`, `[2001:db8::1]:8448`. */
export function placeOf(about: { readonly address: string; readonly port: number }): string {
  return formatHostPort(about.address, about.port);
}
