import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Finding } from '../base/finding.ts';
import { reachHere, SIDECAR_ROW } from './check-sidecar.ts';
import { STORE_ROW } from './check-store.ts';
import type { Deployment, StoredCertificate } from './deployment.ts';
import type { DoctorDeps } from './doctor-deps.ts';
import type { Row } from './row.ts';

const CERTIFICATES_ROW = 'certificates';
/** Names that are connected to; a certificate of a hundred is served as a whole. */
const MOST_NAMES = 20;
/** As a sentence names them. */
const MOST_NAMED = 5;

/** Whether there is a certificate for everything that needs one, and how long each lasts. */
export function checkCertificates({ readCertificates }: DoctorDeps): Row {
  return {
    id: CERTIFICATES_ROW,
    title: 'There is a valid certificate for every name',
    needs: [STORE_ROW],
    hint: 'Run: matrix-sidecar certs list',
    run: async () => {
      const certificates = await readCertificates();
      const findings = certificates.flatMap((one) => [...one.findings, ...judgeStored(one)]);
      const seen = certificates.map((one) => `${listNames(one.names)}: ${one.validity}`).join('; ');
      return { seen: seen === '' ? 'none is needed' : seen, findings };
    },
  };
}

function judgeStored({ names, state, validity, next, findings, heldUp }: StoredCertificate): Finding[] {
  const list = listNames(names);
  const wait =
    next === undefined
      ? 'Put a new one in place of the files; they are watched.'
      : `The ${state === 'missing' ? 'first' : 'next'} one comes ${next}`;
  const [obstacle] = heldUp;
  const held = obstacle === undefined ? '' : ` It is not ordered: ${obstacle.what}`;
  const fix = obstacle?.fix ?? wait;
  // What is wrong with files that somebody brought has been said already.
  const said = findings.some(({ severity }) => severity === 'error');
  if (state === 'missing' && !said) {
    const what = `There is no certificate for ${list} yet.${held}`;
    return [{ id: 'certificate-missing', severity: 'error', what, fix }];
  }
  if (state === 'expired' && !said) {
    const what = `The certificate for ${list} has ${validity}.${held}`;
    return [{ id: 'certificate-expired', severity: 'error', what, fix }];
  }
  if (state === 'expires-soon' && findings.length === 0) {
    const what = `The certificate for ${list} ends soon: ${validity}.${held}`;
    return [{ id: 'certificate-expires-soon', severity: 'warning', what, fix }];
  }
  return [];
}

/** Whether what is served is what is stored. */
export function checkServedCertificates(deployment: Deployment, deps: DoctorDeps): Row {
  return {
    id: 'served-certificates',
    title: 'The certificates that are served are those that are stored',
    needs: [SIDECAR_ROW],
    hint: 'Restart the sidecar.',
    run: async (signal) => {
      const certificates = await deps.readCertificates();
      const wanted = certificates.flatMap(({ names, listener }) =>
        names.filter((name) => !name.startsWith('*.')).map((name) => ({ name, listener })),
      );
      const findings: Finding[] = [];
      let asked = 0;
      for (const { name, listener } of wanted.slice(0, MOST_NAMES)) {
        for (const on of listener === 'all' ? (['https', 'federation'] as const) : (['federation'] as const)) {
          const expected = expect(certificates, name, on);
          const at = deployment.listen[on][0];
          if (expected.length === 0 || at === undefined) continue;
          const outcome = await deps.probe.ask({ ...reachHere(at), host: name }, '', signal);
          if (outcome.kind === 'failed') continue;
          asked += 1;
          const served = fingerprint(outcome.tls.chain[0]);
          if (expected.includes(served)) continue;
          findings.push({
            id: 'certificate-not-served',
            severity: 'error',
            what: `For ${name}, another certificate is served on ${at.text} than the one that is stored.`,
            fix: 'Restart the sidecar; if that mends it, please report it. Else something before it ends TLS itself.',
          });
        }
      }
      return { seen: `${asked} ${asked === 1 ? 'handshake' : 'handshakes'} compared by fingerprint`, findings };
    },
  };
}

/** The fingerprints that are right for a name on a listener: those of its own if there are any, else the general ones. */
function expect(
  certificates: readonly StoredCertificate[],
  name: string,
  on: 'https' | 'federation',
): readonly string[] {
  const having = certificates.filter((one) => one.names.includes(name) && one.fingerprint !== undefined);
  const own = on === 'federation' ? having.filter(({ listener }) => listener === 'federation') : [];
  const general = having.filter(({ listener }) => listener === 'all');
  return (own.length > 0 ? own : general).map((one) => one.fingerprint!);
}

function fingerprint(der: Buffer | undefined): string {
  const hex = createHash('sha256')
    .update(der ?? '')
    .digest('hex')
    .toUpperCase();
  return hex.match(/../g)?.join(':') ?? '';
}

function listNames(names: readonly string[]): string {
  const shown = names.filter((name) => name !== 'localhost' && isIP(name) === 0);
  const list = shown.length > 0 ? shown : names;
  const more = list.length > MOST_NAMED ? ` and ${list.length - MOST_NAMED} more` : '';
  return `${list.slice(0, MOST_NAMED).join(', ')}${more}`;
}
