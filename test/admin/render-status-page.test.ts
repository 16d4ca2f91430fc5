import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CONTENT_SECURITY_POLICY, renderStatusPage } from '../../src/admin/page/render-status-page.ts';
import { SCRIPT } from '../../src/admin/page/script.ts';
import { STYLE } from '../../src/admin/page/style.ts';
import { certificate, instance, server, status } from './made-status.ts';
import { inTrouble, wellOff } from './shown-status.ts';

const HOSTILE = `</td><script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;\u202e\u0000`;
const withoutOurs = (html: string): string => html.replace(STYLE, '').replace(SCRIPT, '');

describe('the status page', () => {
  it('is the same for the same snapshot', () => {
    expect(renderStatusPage(wellOff())).toBe(renderStatusPage(wellOff()));
  });

  it('has headings in order, one main part, and a name for each part, table and drawing', () => {
    for (const one of [status(), wellOff(), inTrouble()]) {
      const html = renderStatusPage(one);
      const levels = [...html.matchAll(/<h(\d)/g)].map((match) => Number(match[1]));
      expect(levels[0]).toBe(1);
      expect(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1)).toBe(true);
      expect(html.match(/<main/g)).toHaveLength(1);
      const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]!);
      expect(ids).toEqual([...new Set(ids)]);
      const named = [...html.matchAll(/aria-labelledby="([^"]+)"/g)].map((match) => match[1]!);
      expect(named.filter((id) => !ids.includes(id))).toEqual([]);
      expect(html.match(/<svg(?![^>]*(aria-hidden="true"|role="img" aria-label="[^"]+"))/g)).toBeNull();
      expect(html.match(/<th(?![^>]*scope=|ead)/g)).toBeNull();
    }
  });

  it('says what is wrong in its title, its headline and a list', () => {
    const html = renderStatusPage(inTrouble());
    expect(html).toContain('<title>Trouble – matrix-sidecar</title>');
    expect(html).toMatch(/<h2>The homeserver of example\.com has been away since .*<\/h2><ul><li>The certificate for/);
    expect(renderStatusPage(wellOff())).toContain('<title>In order – matrix-sidecar</title>');
  });

  it('has the facts: certificates, homeservers, workers, traffic, peers, holds, listeners, warnings', () => {
    const html = renderStatusPage(inTrouble());
    for (const fact of [
      'Let&#39;s Encrypt E7',
      '9 days left',
      'In the way',
      'port 80 of 203.0.113.9',
      'http://worker-22:8083',
      'coming back',
      '38 requests held',
      'matrix.org',
      '18,312',
      '[::]:8448',
      'replaced once',
      'Requests per second over the last 10 minutes: ',
      '/federationtester?server_name=example.org',
    ])
      expect(html).toContain(fact);
  });

  it('is whole with nothing to show', () => {
    const html = renderStatusPage(status({ servers: [] }));
    expect(html).toContain('No request was over in the last 10 minutes.');
    expect(html).toContain('The log has warned of nothing');
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('escapes whatever others chose: names, places, issuers, origins, sentences', () => {
    const html = renderStatusPage(
      status({
        version: HOSTILE,
        servers: [
          server(HOSTILE, {
            ...{ delegate_to: HOSTILE, away_seconds: 3, mas_instances: [instance({ place: HOSTILE })] },
            instances: [instance({ place: HOSTILE, address: `${HOSTILE}2`, state: 'ejected', why: HOSTILE })],
            workers: [{ pool: HOSTILE, instances: [instance()] }],
          }),
        ],
        certificates: [
          certificate({
            ...{ names: Array<string>(9).fill(HOSTILE), issuer: HOSTILE, obstacle: HOSTILE },
            next_attempt: { at: null, why: HOSTILE },
            last_result: { at: HOSTILE, ok: false, what: HOSTILE },
          }),
        ],
        listeners: { https: [HOSTILE] },
        traffic: {
          ...status().traffic,
          series: [{ surface: HOSTILE, status: '2xx', requests: Array<number>(120).fill(1) }],
        },
        peers: [{ origin: HOSTILE, requests: 1 }],
        logged: [
          {
            ...{ level: 'error', code: HOSTILE, what: HOSTILE, fix: `${HOSTILE}!`, times: 1 },
            ...{ first_at: HOSTILE, last_at: HOSTILE },
          },
        ],
      }),
    );
    for (const bad of ['<script>alert', '<img', '\u202e', '\u0000']) expect(withoutOurs(html)).not.toContain(bad);
    // Nothing but what belongs there opens.
    const tags = new Set([...withoutOurs(html).matchAll(/<([a-z0-9]+)/g)].map((match) => match[1]!));
    for (const tag of ['img', 'iframe', 'object', 'form', 'input']) expect(tags.has(tag)).toBe(false);
    expect(withoutOurs(html).replaceAll(/"[^"]*"/g, '')).not.toMatch(/<[^>]*\son[a-z]+=/);
  });

  it('runs its own style and script alone, which load nothing but the page itself', () => {
    const html = renderStatusPage(wellOff());
    const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const [style, script] = [/<style>([\s\S]*?)<\/style>/, /<script>([\s\S]*?)<\/script>/].map(
      (one) => one.exec(html)?.[1],
    );
    expect(CONTENT_SECURITY_POLICY).toContain(`style-src ${hash(style!)};`);
    expect(CONTENT_SECURITY_POLICY).toContain(`script-src ${hash(script!)};`);
    expect(CONTENT_SECURITY_POLICY).toContain("default-src 'none'");
    expect(withoutOurs(html)).not.toMatch(/ style="| src="/);
    expect(html).toContain('<noscript><meta http-equiv="refresh" content="10"></noscript>');
  });

  it('stays small: a deployment of some size is under 60 KB', () => {
    expect(Buffer.byteLength(renderStatusPage(inTrouble()))).toBeLessThan(60_000);
  });
});
