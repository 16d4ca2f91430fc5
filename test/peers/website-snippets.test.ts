import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebsiteSnippet } from '../../src/advise/advice.ts';
import { runAdvise } from '../cli/advise-bench.ts';
import {
  askWebServer,
  FRONT_PAGE,
  startWebServer,
  type WebServer,
  type WebServerKind,
  whyNoWebServer,
} from './web-server.ts';

/** What web servers, shells and scripts might take for something of their own. */
const AWKWARD = 'it\'s $5 & $HOME `{host}` {http.request.host} \\ "quoted" %{x} </script> é \u2028 <?php ;#';
const YAML = `servers:
  - server_name: example.org
    homeserver: http://127.0.0.1:8008
    delegate_to: matrix.host.net:443
    apex: elsewhere
    well_known: { client: { org.example.note: ${JSON.stringify(AWKWARD)} } }
`;

interface Advised {
  readonly website: readonly WebsiteSnippet[];
  readonly documents: readonly { readonly name: string; readonly body: string }[];
}

async function readAdvice(): Promise<Advised> {
  const { out } = await runAdvise({ yaml: YAML, args: ['--format', 'json'] });
  return (JSON.parse(out) as { servers: [Advised] }).servers[0];
}

function findBlocks({ website }: Advised, id: string, kind: string) {
  const blocks = website.find((one) => one.id === id)?.variants.find((one) => one.kind === kind)?.blocks;
  if (blocks === undefined) throw new Error(`There is no ${kind} for ${id}`);
  return blocks;
}

let server: WebServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Starts it as a person would who pastes everything: files first, then the configuration. */
async function startAdvised(advised: Advised, kind: WebServerKind, variant: string): Promise<WebServer> {
  const blocks = findBlocks(advised, kind, variant);
  const snippet = blocks.filter(({ format }) => format !== 'shell').map(({ text }) => text);
  return startWebServer(kind, snippet.join('\n'), (root) => {
    for (const { text } of blocks.filter(({ format }) => format === 'shell'))
      execFileSync('sh', ['-ec', text.replaceAll('/var/www/html', root)]);
  });
}

const KINDS: readonly WebServerKind[] = ['nginx', 'apache', 'caddy', 'wordpress'];
for (const kind of KINDS) {
  const missing = whyNoWebServer(kind);
  if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
    test(`a real ${kind} is here, because REQUIRE_PEERS=1 asks for it`, () => {
      expect(missing).toBeUndefined();
    });
  }
  if (missing !== undefined) console.warn(`Skipped: ${missing}`);
  const why = missing === undefined ? '' : ` (skipped: ${missing})`;

  describe.skipIf(missing !== undefined)(`A real ${kind} with what advise prints for it${why}`, () => {
    test('publishes every document with its content, type and CORS, and leaves the website alone', async () => {
      const advised = await readAdvice();
      server = await startAdvised(advised, kind, 'documents');
      for (const { name, body } of advised.documents) {
        const answer = await askWebServer(server, `/.well-known/matrix/${name}?cache=no`);
        expect([name, answer.status]).toEqual([name, 200]);
        expect(answer.fields('content-type')).toEqual(['application/json']);
        expect(answer.fields('access-control-allow-origin')).toEqual(['*']);
        expect(JSON.parse(answer.body)).toEqual(JSON.parse(body));
        // Characters of the server's own have to be written in another way; what is usual comes byte for byte.
        if (!body.includes('org.example.note')) expect(answer.body).toBe(body);
      }
      expect((await askWebServer(server, '/')).body).toBe(FRONT_PAGE);
      expect((await askWebServer(server, '/.well-known/matrix/other')).status).not.toBe(200);
    });

    if (kind === 'wordpress') return;
    test('redirects to the sidecar with CORS on the redirect, and nothing else', async () => {
      server = await startAdvised(await readAdvice(), kind, 'redirect');
      for (const name of ['server', 'client', 'support']) {
        const answer = await askWebServer(server, `/.well-known/matrix/${name}`);
        expect([name, answer.status]).toEqual([name, 302]);
        expect(answer.fields('location')).toEqual([`https://matrix.host.net/.well-known/matrix/${name}`]);
        expect(answer.fields('access-control-allow-origin')).toEqual(['*']);
      }
      const page = await askWebServer(server, '/');
      expect([page.body, page.fields('access-control-allow-origin')]).toEqual([FRONT_PAGE, []]);
    });
  });
}
