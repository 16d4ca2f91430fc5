import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { closeUpstreams, createRuntime } from '../../src/app/runtime.ts';
import { realSystem } from '../../src/base/system.ts';
import type { Config } from '../../src/config/config.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { readConfig } from '../app/test-config.ts';
import { createRecordingLog } from '../tls/recording-log.ts';
import { runAdvise } from './advise-bench.ts';

interface Advised {
  readonly documents: readonly { url: string; body: string; headers: Record<string, string> }[];
  readonly homeserver_yaml: string;
}

async function readAdvice(yaml: string): Promise<Advised> {
  const { out } = await runAdvise({ yaml, args: ['--format', 'json'] });
  return (JSON.parse(out) as { servers: [Advised] }).servers[0];
}

const CONFIGS = {
  'no delegation': 'servers: [{ server_name: example.com, homeserver: "http://synapse:8008" }]',
  delegated: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:443
    well_known: { support: { contacts: [ { role: m.role.admin, email_address: admin@example.com } ] }, client: { a: "é" } }
listen: { https: [443, 8443] }`,
  'by SRV': `servers:
  - { server_name: example.com, homeserver: "http://synapse:8008", delegate_to: "m.example.com:8443", delegate_by: srv }
listen: { https: 8443 }`,
};

/** What the sidecar answers to a GET on its https listener, as its router decides. */
function serve(config: Config, url: string) {
  const { host, pathname } = new URL(url);
  const request = { listener: 'https', method: 'GET', target: pathname, authority: host } as const;
  const runtime = createRuntime(config, { system: realSystem, log: createRecordingLog(), metrics: createMetrics() });
  const decision = runtime.route({ ...request, serverName: host, clientAddress: '192.0.2.9', origins: () => [] });
  closeUpstreams(runtime);
  return decision;
}

describe('the documents of advise', () => {
  it.each(Object.entries(CONFIGS))('are byte for byte what the sidecar serves: %s', async (_, yaml) => {
    const { documents } = await readAdvice(yaml);
    expect(documents.length).toBeGreaterThan(0);
    for (const { url, body, headers } of documents) {
      const served = serve(readConfig(yaml), url);
      if (served.do !== 'publish') throw new Error(`${url}: ${served.why}`);
      expect(served.document.body.toString()).toBe(body);
      expect(Object.entries(headers).flat()).toEqual(served.document.headers);
    }
    expect(documents.some(({ url }) => url.endsWith('/server'))).toBe(
      serve(readConfig(yaml), 'https://example.com/.well-known/matrix/server').do === 'publish',
    );
  });
});

describe('the lines for homeserver.yaml', () => {
  const listener = { type: 'http', x_forwarded: true, resources: [{ names: ['client', 'federation'] }] };
  const server = (homeserver: string) =>
    `servers: [{ server_name: example.com, homeserver: "${homeserver}", delegate_to: "matrix.example.com:443" }]`;

  it.each([
    ['http://synapse:8008', { port: 8008, tls: false, bind_addresses: ['::', '0.0.0.0'] }],
    ['http://127.0.0.1:8008', { port: 8008, tls: false, bind_addresses: ['127.0.0.1'] }],
    ['http://localhost:8009', { port: 8009, tls: false, bind_addresses: ['127.0.0.1', '::1'] }],
    ['http://[::1]:8008', { port: 8008, tls: false, bind_addresses: ['::1'] }],
    ['http://10.0.0.5', { port: 80, tls: false, bind_addresses: ['10.0.0.5'] }],
    ['unix:/run/synapse/main.sock', { path: '/run/synapse/main.sock' }],
  ])('are YAML that fits %s', async (homeserver, place) => {
    const { homeserver_yaml } = await readAdvice(server(homeserver));
    expect(parse(homeserver_yaml)).toEqual({
      server_name: 'example.com',
      public_baseurl: 'https://matrix.example.com/',
      listeners: [{ ...listener, ...place }],
      serve_server_wellknown: false,
      max_upload_size: '50M',
    });
  });

  it('never allow an upload that the sidecar would cut', async () => {
    const { homeserver_yaml } = await readAdvice(`${server('http://synapse:8008')}\nlimits: { upload: 10M }`);
    expect(homeserver_yaml).toContain('max_upload_size: 10M');
  });
});
