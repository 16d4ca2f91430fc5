import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { bad } from '../../../src/base/parsed.ts';
import { realSystem } from '../../../src/base/system.ts';
import { VERSION } from '../../../src/base/version.ts';
import { choosePorts } from '../../../src/cli/demo/choose-ports.ts';
import { createStandInHomeserver, type StandInHomeserver } from '../../../src/cli/demo/stand-in-homeserver.ts';
import { named } from '../../discovery/world.ts';
import { type DnsAnswer, startDnsServer } from '../../harness/dns-server.ts';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { type Ran, run } from '../check-bench.ts';

/** The sidecar of a guide's configuration on loopback, with homeservers behind it and a DNS server that knows its names. */
export interface GuideWorld {
  readonly folder: string;
  readonly sidecar: TestSidecar;
  /** By server name. */
  readonly homeservers: ReadonlyMap<string, StandInHomeserver>;
  /** Records, by `TYPE name`; every other name has this machine's address. */
  readonly zone: Map<string, DnsAnswer>;
  /** Leads connections elsewhere: what `--connect-to` says, and how the place is called in the guide. */
  lead(host: string, meant: number, port: number, shown: string): void;
  /** Trusts an authority besides the sidecar's own. */
  trust(pem: string): void;
  /** The options with which a command finds this world. */
  ways(): readonly string[];
  /** A command line, run in the folder of the configuration. */
  command(args: readonly string[]): Promise<Ran>;
  /** What the admin listener answers. */
  ask(path: string): Promise<string>;
  /** Text as it is in the guide: ports, addresses, times and what else differs from machine to machine written as there. */
  tidy(text: string): string;
  close(): Promise<void>;
}

const ADDRESS = '203.0.113.10';
/** Its listeners, and how they are called in the guide. */
const LISTENERS: readonly (readonly [string, string])[] = [
  ['https', `${ADDRESS}:443`],
  ['federation', `${ADDRESS}:8448`],
  ['http', `${ADDRESS}:80`],
  ['admin', '127.0.0.1:9010'],
];
/** What is there in place of a CA and of Synapse, and names that the certificate of the former has besides. */
const STAND_INS: readonly (readonly [RegExp, string])[] = [
  [/matrix-sidecar development CA [0-9a-f]{8}/g, 'R11'],
  [/matrix-sidecar\s+stand-in 1/g, 'Synapse 1.160.0'],
  [/\b127\.0\.0\.1, ?::1, ?|(?<=, ?)localhost, ?/g, ''],
];
/** A step that only `--connect-to` brings along, with the lines that it goes on in. */
const LED_ELSEWHERE = /^ {4}\S+ +As asked for, .*\n(?: {7,9}\S.*\n)*/gm;

/** `yaml` as it stands in the guide; `more` is for the sidecar here alone. */
export async function openGuideWorld(yaml: string, more = ''): Promise<GuideWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  const { servers } = parse(yaml) as { servers: { server_name: string; homeserver: string }[] };
  const homeservers = new Map<string, StandInHomeserver>();
  const shown: [string | RegExp, string][] = [];
  let real = yaml;
  for (const { server_name: name, homeserver } of servers) {
    const standIn = await createStandInHomeserver(
      {
        serverName: named(name),
        listen: { kind: 'tcp', host: '127.0.0.1', port: 0, text: 'http://127.0.0.1:0' },
        fetchKeys: async () => bad('no other servers here'),
      },
      { system: realSystem, log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} } },
    );
    homeservers.set(name, standIn);
    real = real.replace(homeserver, standIn.upstream.text);
    shown.push([standIn.upstream.text, homeserver], [standIn.upstream.text.replace('http://', ''), '172.18.0.2:8008']);
  }
  const listen: string[] = [];
  const ports = await choosePorts([0, 0, 0, 0]);
  for (const [index, [listener, place]] of LISTENERS.entries()) {
    listen.push(`${listener}: "127.0.0.1:${ports[index]}"`);
    shown.push([`127.0.0.1:${ports[index]}`, place]);
  }
  const sidecar = await startTestSidecar(`listen: { ${listen.join(', ')} }\n${real}${more}`, { folder });
  const zone = new Map<string, DnsAnswer>();
  const dns = await startDnsServer(
    (name, type) => zone.get(`${type} ${name}`) ?? (type === 'A' && !name.startsWith('_') ? [['A', '127.0.0.1']] : []),
  );
  const leads = [`:443::${sidecar.https}`, `:8448::${sidecar.federation}`];
  const authorities = [sidecar.ca];
  const ways = (): readonly string[] => {
    writeFileSync(join(folder, 'ca.pem'), authorities.join(''));
    return ['--dns', dns.address, '--ca-file', join(folder, 'ca.pem'), ...leads.flatMap((to) => ['--connect-to', to])];
  };
  return {
    ...{ folder, sidecar, homeservers, zone, ways },
    lead(host, meant, port, place) {
      leads.unshift(`${host}:${meant}:127.0.0.1:${port}`);
      shown.push([new RegExp(`\\b127\\.0\\.0\\.1:${port}\\b`, 'g'), place]);
    },
    trust: (pem) => void authorities.push(pem),
    command: (args) => run([...args, ...ways()], { cwd: folder }),
    ask: (path) => askAdmin(sidecar.admin, path),
    tidy: (text) =>
      shown
        .concat(STAND_INS.map(([what, instead]) => [what, instead]))
        .reduce((tidied, [what, instead]) => tidied.replaceAll(what, instead), text.replaceAll(LED_ELSEWHERE, ''))
        .replaceAll(`${folder}/sidecar.yaml`, '/app/config/sidecar.yaml')
        .replaceAll(folder, '/app')
        .replaceAll(/(?<=^ +)127\.0\.0\.1\b/gm, ADDRESS)
        .replaceAll(`version ${VERSION}`, 'version 0.1.0')
        .replaceAll(/\b\d+ ms\b/g, '3 ms')
        .replaceAll(/took \d+(\.\d+)? m?s/g, 'took 0.4 s')
        .replaceAll(/\d{4}-\d\d-\d\d( at)? \d\d:\d\d UTC/g, '2026-08-29$1 12:00 UTC'),
    async close() {
      await sidecar.close();
      await dns.close();
      for (const one of homeservers.values()) await one.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function askAdmin(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve(body));
    })
      .on('error', reject)
      .end();
  });
}
