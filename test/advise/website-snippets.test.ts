import { describe, expect, it } from 'vitest';
import { listSnippets, WEBSITES } from '../../src/advise/website/list-snippets.ts';

const BODY = '{"note":"it\'s $5 `{a}` {$HOME} \\\\ \u2028"}';
const FACTS = {
  host: 'example.org',
  documents: [
    { path: '/.well-known/matrix/server', body: '{"m.server":"matrix.host.net:443"}' },
    { path: '/.well-known/matrix/client', body: BODY },
  ],
  sidecar: 'https://matrix.host.net',
};

function textOf(id: string, kind: string, facts: Parameters<typeof listSnippets>[0] = FACTS): string {
  const snippet = listSnippets(facts).find((one) => one.id === id);
  const blocks = snippet?.variants.find((one) => one.kind === kind)?.blocks ?? [];
  return blocks.map(({ caption, text }) => `${caption}\n${text}`).join('\n');
}

describe('ready-made configuration for the web server of an apex', () => {
  it('is there for each, and for none where there is nothing to publish', () => {
    expect(listSnippets(FACTS).map(({ id }) => id)).toEqual([...WEBSITES]);
    expect(listSnippets({ ...FACTS, documents: [] })).toEqual([]);
  });

  it.each(['nginx', 'apache', 'caddy'])('redirects by 302 and not by 308 on %s, with CORS', (id) => {
    const text = textOf(id, 'redirect');
    expect(text).toContain('302');
    expect(text).toContain('https://matrix.host.net');
    expect(text).toContain('Access-Control-Allow-Origin');
  });

  it.each(['nginx', 'apache', 'caddy', 'netlify'])('does not redirect on %s to where nobody knows', (id) => {
    const { sidecar: _, ...rest } = FACTS;
    const variants = listSnippets({ ...rest, sidecar: undefined }).find((one) => one.id === id)?.variants;
    expect(variants?.map(({ kind }) => kind)).toEqual(['documents']);
  });

  it.each(['netlify', 'cloudflare-pages'])('sets both headers by _headers on %s', (id) => {
    expect(textOf(id, 'documents')).toContain(
      '/.well-known/matrix/*\n  Content-Type: application/json\n  Access-Control-Allow-Origin: *',
    );
  });

  it('lets Netlify fetch from the sidecar, since a redirect there would have no CORS', () => {
    expect(textOf('netlify', 'proxy')).toContain(
      '/.well-known/matrix/* https://matrix.host.net/.well-known/matrix/:splat 200',
    );
  });

  it('names the limits of GitHub Pages', () => {
    const notes = listSnippets(FACTS)
      .find(({ id }) => id === 'github-pages')
      ?.notes.join('\n');
    expect(notes).toContain('application/octet-stream');
    expect(textOf('github-pages', 'documents')).toContain('.nojekyll');
    expect(textOf('github-pages', 'documents')).toContain('include-hidden-files: true');
  });

  it('is a Worker that runs: it answers for the documents and passes everything else on', async () => {
    const text = listSnippets(FACTS).find(({ id }) => id === 'cloudflare-worker')!.variants[0]!.blocks[0]!.text;
    const worker = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
      default: { fetch(request: Request): Promise<Response> };
    };
    for (const { path, body } of FACTS.documents) {
      const answer = await worker.default.fetch(new Request(`https://example.org${path}?x=1`));
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(await answer.text()).toBe(body);
    }
    // A URL that answers by itself: nothing is asked of the network.
    const other = await worker.default.fetch(new Request('data:,the%20website'));
    expect(await other.text()).toBe('the website');
  });
});
