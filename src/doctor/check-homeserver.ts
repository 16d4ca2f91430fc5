import type { Upstream } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import type { System } from '../base/system.ts';
import { isJsonObject, type JsonObject, ownMember } from '../matrix/json.ts';
import type { ServerName } from '../matrix/server-name.ts';
import { askPlain, type PlainAnswer } from './ask-plain.ts';
import type { DeployedServer } from './deployment.ts';
import { describeAnswer } from './describe-plain.ts';
import type { Row, Seen } from './row.ts';

const VERSIONS = '/_matrix/client/versions';
const VERSION = '/_matrix/federation/v1/version';
const KEYS = '/_matrix/key/v2/server';
/** Milliseconds; other servers ask for keys with a patience of ten seconds. */
const SLOW = 2_000;

/** One instance of a homeserver, and whose it is said to be. */
interface Instance {
  readonly name: ServerName;
  readonly homeserver: Upstream;
}

/** One row for each instance of the homeserver, mostly one. */
export function checkHomeservers(
  { name, homeserver: { instances } }: DeployedServer,
  deps: { readonly system: System },
): readonly Row[] {
  return instances.map((homeserver, index) =>
    checkHomeserver({ name, homeserver }, `homeserver:${name.text}${index === 0 ? '' : `#${index + 1}`}`, deps),
  );
}

/** Whether it answers where the configuration says, as the server that it says, and how fast. */
function checkHomeserver(server: Instance, id: string, { system }: { readonly system: System }): Row {
  const { name, homeserver } = server;
  return {
    id,
    title: `The homeserver of ${name.text} answers at ${homeserver.text}`,
    needs: [],
    hint: `Check homeserver: ${homeserver.text} in the configuration, and the log of the homeserver.`,
    run: async (signal) => {
      const ask = (target: string) => askPlain(homeserver, target, { system, signal });
      const versions = await ask(VERSIONS);
      const wrong = judgeVersions(versions, server);
      if (wrong !== undefined) return { seen: describeAnswer(versions), findings: [wrong] };
      const [federation, keys] = [await ask(VERSION), await ask(KEYS)];
      return judge({ versions, federation, keys }, server);
    },
  };
}

interface Answers {
  readonly versions: PlainAnswer;
  readonly federation: PlainAnswer;
  readonly keys: PlainAnswer;
}

function judge({ versions, federation, keys }: Answers, { name, homeserver }: Instance): Seen {
  const findings: Finding[] = [];
  const [refused, target] =
    readJson(federation) === undefined ? [federation, VERSION] : readJson(keys) === undefined ? [keys, KEYS] : [];
  if (refused !== undefined) {
    findings.push({
      id: 'homeserver-no-federation',
      severity: 'error',
      what: `${homeserver.text} answers clients and not other servers (${describeAnswer(refused)} to ${target}).`,
      fix: "Give the listener the resource federation in Synapse's configuration, and restart Synapse.",
      lines: ['    resources:', '      - names: [client, federation]'],
    });
  }
  const called = readServerName(keys);
  if (called !== undefined && called !== name.text) {
    findings.push({
      id: 'homeserver-other-name',
      severity: 'error',
      what: `The homeserver at ${homeserver.text} is ${called}, and the sidecar takes it for ${name.text}.`,
      fix: 'Correct server_name or homeserver in the configuration of the sidecar.',
      lines: [`  - server_name: ${called}`],
    });
  }
  const took = Math.max(...[versions, federation, keys].map((answer) => (answer.ok ? answer.took : 0)));
  if (took > SLOW) {
    findings.push({
      id: 'homeserver-slow',
      severity: 'warning',
      what: `The homeserver took ${(took / 1000).toFixed(1)} s for an answer that needs no work.`,
      fix: 'Look at the CPU and the database of the homeserver; other servers give up on its keys after 10 s.',
    });
  }
  const software = readSoftware(federation);
  return { seen: `${software ?? 'a homeserver'}, answered within ${took} ms`, findings };
}

/** What is wrong with the first answer, by which wrong ports are told. */
function judgeVersions(answer: PlainAnswer, { homeserver }: Instance): Finding | undefined {
  const at = homeserver.text;
  const make = (id: string, what: string, fix: string, lines?: readonly string[]): Finding => {
    return { id, severity: 'error', what, fix, ...(lines === undefined ? {} : { lines }) };
  };
  if (!answer.ok && answer.failure === 'no-http') {
    const what = `What listens at ${at} does not speak plain HTTP: ${answer.words}.`;
    const fix = 'Point homeserver at the HTTP listener of Synapse, and turn TLS off there.';
    return make('homeserver-not-http', what, fix, ['    type: http', '    tls: false']);
  }
  if (!answer.ok) {
    const what = `The homeserver does not answer at ${at}: ${answer.words}.`;
    return make(
      'homeserver-unreachable',
      what,
      'Start the homeserver, or correct the key homeserver in the configuration of the sidecar.',
    );
  }
  const { status } = answer;
  if (status >= 300 && status < 400) {
    const what = `${at} redirects (${status}) instead of answering: that is a web server or another proxy.`;
    return make('homeserver-wrong-port', what, 'Point homeserver at Synapse itself.');
  }
  const json = readJson(answer);
  if (json === undefined || !Array.isArray(ownMember(json, 'versions'))) {
    const what = `What answers at ${at} is no homeserver: ${describeAnswer(answer)} to ${VERSIONS}.`;
    const fix =
      status === 404
        ? 'Point homeserver at the listener with the resource client; metrics and replication have other ports.'
        : 'Point homeserver at Synapse itself, and look at its log.';
    return make('homeserver-wrong-port', what, fix);
  }
  return undefined;
}

/** The JSON object of an answer with status 200. */
function readJson(answer: PlainAnswer): JsonObject | undefined {
  if (!answer.ok || answer.status !== 200) return undefined;
  try {
    const value: unknown = JSON.parse(answer.body.toString());
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function readSoftware(answer: PlainAnswer): string | undefined {
  const server = ownMember(readJson(answer) ?? {}, 'server');
  if (!isJsonObject(server)) return undefined;
  const parts = [ownMember(server, 'name'), ownMember(server, 'version')].filter((part) => typeof part === 'string');
  return parts.length === 0
    ? undefined
    : parts
        .join(' ')
        .slice(0, 80)
        .replaceAll(/[^\x20-\x7e]/g, '?');
}

function readServerName(answer: PlainAnswer): string | undefined {
  const called = ownMember(readJson(answer) ?? {}, 'server_name');
  return typeof called === 'string' && called.length <= 260 ? called.replaceAll(/[^\x20-\x7e]/g, '?') : undefined;
}
