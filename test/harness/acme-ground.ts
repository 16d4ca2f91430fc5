import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acmeYaml, lookAtServed, type ServedCertificate } from './acme-process.ts';
import { startDnsServer } from './dns-server.ts';
import { createHastySystem, type HastySystem } from './hasty-system.ts';
import { type ScriptedCa, startScriptedCa } from './scripted-ca.ts';
import { createScriptedIssuer, type ScriptedIssuer } from './scripted-issuer.ts';
import type { LoggedLine, TestSidecar } from './sidecar.ts';
import { startTestSidecar } from './sidecar.ts';
import { pause } from './until.ts';

/** A folder, a CA that believes everything at once, and a DNS server: all that a sidecar needs for certificates. */
export interface AcmeGround {
  readonly folder: string;
  readonly ca: ScriptedCa;
  /** Of the sidecars; the CA's clock goes with it, but for what it is set forth and back. */
  readonly system: HastySystem;
  /** The configuration file's text for a store. */
  yaml(store: string): string;
  /** Starts a sidecar. */
  start(store: string): Promise<TestSidecar>;
  close(): Promise<void>;
}

/** Several grounds may share an issuer, whose keys take half a second to make. */
export async function openAcmeGround(issuer: ScriptedIssuer = createScriptedIssuer()): Promise<AcmeGround> {
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-acme-'));
  const dns = await startDnsServer((_name, type) => (type === 'A' ? [['A', '127.0.0.1']] : []));
  const running: TestSidecar[] = [];
  const system = createHastySystem();
  const ca = await startScriptedCa({ validate: async () => undefined, now: system.rightTime }, issuer);
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca.caPem);
  const yaml = (store: string): string => acmeYaml({ ca, caFile, resolver: dns.address }, store);
  return {
    folder,
    ca,
    system,
    yaml,
    async start(store) {
      const sidecar = await startTestSidecar(yaml(store), { folder, system });
      running.push(sidecar);
      return sidecar;
    },
    async close() {
      await Promise.all(running.map((sidecar) => sidecar.close()));
      await ca.close();
      await dns.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a certificate of the CA is served, and gives it. */
export async function untilReal(sidecar: TestSidecar, patience = 30_000): Promise<ServedCertificate> {
  for (const end = performance.now() + patience; ; await pause(20)) {
    const served = await lookAtServed(sidecar.https);
    if (!served.bootstrap) return served;
    if (performance.now() > end) throw new Error(`no certificate of the CA's in ${patience} ms${tell(sidecar)}`);
  }
}

/** Waits for a line of the log with this sentence, after the first `skip` lines. */
export async function untilLogged(sidecar: TestSidecar, sentence: RegExp, skip = 0): Promise<LoggedLine> {
  for (const end = performance.now() + 30_000; ; await pause(10)) {
    const found = sidecar.logged.slice(skip).find((line) => sentence.test(line.sentence));
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`nobody said ${sentence}${tell(sidecar)}`);
  }
}

/** What a line says to do: it comes with the line, or with the error that is in it. */
export function adviceOf({ fields }: LoggedLine): string {
  const { hint, err, findings } = fields as { hint?: string; err?: { hint?: string }; findings?: readonly string[] };
  return hint ?? err?.hint ?? findings?.join(' ') ?? '';
}

function tell({ logged }: TestSidecar): string {
  return logged.map(({ level, sentence }) => (level === 'debug' ? '' : `\n  ${level}: ${sentence}`)).join('');
}
