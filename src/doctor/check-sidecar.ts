import { type BindAddress, formatHostPort } from '../base/address.ts';
import type { Finding } from '../base/finding.ts';
import type { JsonObject } from '../matrix/json.ts';
import { askPlain } from './ask-plain.ts';
import { STORE_ROW } from './check-store.ts';
import { compareWithRunning } from './compare-with-running.ts';
import type { Deployment } from './deployment.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row, Seen } from './row.ts';

export const SIDECAR_ROW = 'sidecar';

/** Milliseconds; a sidecar looks for the key of the probes no more often than every half second. */
const KEY_PATIENCE = 700;

/** Where a listener is reached from this machine: on the loopback address if it listens on all of them. */
export function reachHere({ host, port }: BindAddress): { readonly address: string; readonly port: number } {
  return { address: host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host, port };
}

/** How one listener was found. `ours` undefined: that could not be told. */
interface Port {
  readonly name: string;
  readonly text: string;
  readonly open: boolean;
  readonly ours: boolean | undefined;
  readonly words: string;
}

/** Whether a sidecar runs here, with this configuration, and has its ports. */
export function checkSidecar(deployment: Deployment, deps: DoctorDeps): Row {
  const { listen } = deployment;
  return {
    id: SIDECAR_ROW,
    title: 'The sidecar runs here, and its ports are its own',
    needs: [STORE_ROW],
    hint: 'Look at the log of the sidecar.',
    run: async (signal) => {
      const look = (): Promise<readonly Port[]> => {
        const tls = (['https', 'federation'] as const).flatMap((name) =>
          listen[name].map((address) => probeTls(name, address, deployment, deps, signal)),
        );
        return Promise.all([...tls, ...listen.http.map((address) => probePlain(address, deps, signal))]);
      };
      const status = deps.status(signal);
      let ports = await look();
      if (deps.probeIsNew && ports.some(({ ours }) => ours === false)) {
        await new Promise<void>((resolve) => void deps.system.setTimer(KEY_PATIENCE, resolve));
        ports = await look();
      }
      return judge(ports, await status, deployment, deps);
    },
  };
}

async function probeTls(
  name: string,
  address: BindAddress,
  { servers }: Deployment,
  { probe }: DoctorDeps,
  signal: AbortSignal,
): Promise<Port> {
  const host = servers[0]!.name.host;
  const outcome = await probe.ask({ ...reachHere(address), host }, '', signal);
  const found = { name, text: address.text };
  if (outcome.kind === 'failed') return { ...found, open: false, ours: undefined, words: outcome.words };
  const words = outcome.kind === 'ours' ? '' : outcome.words;
  return { ...found, open: true, ours: outcome.kind === 'ours', words };
}

/** As a CA would look for a challenge. */
async function probePlain(address: BindAddress, deps: DoctorDeps, signal: AbortSignal): Promise<Port> {
  const { token, proof } = deps.probe.createToken();
  const { address: host, port } = reachHere(address);
  const at = { kind: 'tcp', host, port, text: `http://${formatHostPort(host, port)}` } as const;
  const answer = await askPlain(at, `/.well-known/acme-challenge/${token}`, { system: deps.system, signal });
  const found = { name: 'http', text: address.text };
  if (!answer.ok)
    return {
      ...found,
      open: answer.failure !== 'unreachable',
      ours: answer.failure === 'unreachable' ? undefined : false,
      words: answer.words,
    };
  return { ...found, open: true, ours: answer.body.includes(proof), words: String(answer.status) };
}

function judge(
  ports: readonly Port[],
  status: JsonObject | undefined,
  deployment: Deployment,
  { inContainer, storeAt }: DoctorDeps,
): Seen {
  const ours = ports.filter((port) => port.ours === true);
  const places = ports.map(({ name, text }) => `${name} ${text}`).join(', ');
  const start = inContainer ? 'docker compose up -d' : 'matrix-sidecar serve';
  if (ours.length === 0 && status === undefined && ports.every(({ open }) => !open)) {
    const what = `No sidecar runs here: nothing listens on ${places}.`;
    const fix = 'Start the sidecar; what needs it running was left out here.';
    return {
      seen: ports.map(({ name, words }) => `${name}: ${words}`).join('; '),
      findings: [{ id: 'sidecar-not-running', severity: 'error', what, fix, lines: [start] }],
      because: 'no sidecar runs here',
    };
  }
  const findings = ports.flatMap((port) =>
    judgePort(port, { running: ours.length > 0 || status !== undefined, anyOurs: ours.length > 0, storeAt }),
  );
  if (status !== undefined) findings.push(...compareWithRunning(status, deployment));
  const version = typeof status?.['version'] === 'string' ? `version ${status['version']}` : 'a sidecar';
  const open = ours.map(({ name, text }) => `${name} ${text}`).join(', ');
  return {
    seen: `${version}, answering on ${open === '' ? 'no port that was asked' : open}`,
    findings,
    because: 'not every port of the sidecar is its own',
  };
}

interface Around {
  readonly running: boolean;
  readonly anyOurs: boolean;
  readonly storeAt: string;
}

function judgePort({ name, text, open, ours, words }: Port, { running, anyOurs, storeAt }: Around): Finding[] {
  if (!open) {
    const what = `Nothing answers on ${text}, where the ${name} listener should be: ${words}.`;
    const fix = running ? 'Restart the sidecar: it runs with another configuration.' : 'Start the sidecar.';
    return [{ id: 'sidecar-port-closed', severity: 'error', what, fix }];
  }
  if (ours !== false) return [];
  const what = `On ${text}, where the ${name} listener should be, something else answers (${words}), or a sidecar with another store than ${storeAt}.`;
  const fix = anyOurs
    ? 'Find what has the port with "ss -ltnp", and stop it.'
    : 'If it is your sidecar that has the port, run doctor where that runs, in its working directory (in a container: docker compose exec sidecar matrix-sidecar doctor); else find what has the port with "ss -ltnp", and stop it.';
  return [{ id: 'sidecar-port-foreign', severity: 'error', what, fix }];
}
