import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bad } from '../../src/base/parsed.ts';
import type { Facts } from '../../src/federation-tester/facts.ts';
import { FINDING_KINDS, type FindingId } from '../../src/federation-tester/finding-kinds.ts';
import { judge } from '../../src/federation-tester/judge.ts';
import { renderPage } from '../../src/federation-tester/render-html.ts';
import { CONTENT_SECURITY_POLICY, STYLE } from '../../src/federation-tester/render-html-style.ts';
import { renderJson } from '../../src/federation-tester/render-json.ts';
import { caseOf, renderTap } from '../../src/federation-tester/render-tap.ts';
import { viewReport } from '../../src/federation-tester/render-view.ts';
import { address, answered, dead, facts, leaf, NOW, resolution } from './made-facts.ts';

const view = (seen: Facts) => viewReport(seen, judge(seen, { reach: 'public' }, NOW), NOW);
const page = (seen: Facts): string => renderPage({ kind: 'report', serverName: seen.asked, view: view(seen) });

describe('how a test ended', () => {
  it.each<[string, Facts]>([
    ['good', facts()],
    ['warned', facts({ addresses: [address(), dead('192.0.2.2', 'refused')] })],
    ['bad', facts({ addresses: [dead('192.0.2.1', 'refused')] })],
    ['bad', facts({ asked: '!', serverName: bad('"!" is none'), resolution: undefined, addresses: [] })],
    ['unknown', facts({ addresses: [], resolution: undefined, complete: false })],
    ['unknown', facts({ addresses: [dead('2001:db8::1', 'unreachable')] })],
  ])('%s', (outcome, seen) => {
    expect(view(seen).outcome).toBe(outcome);
  });
});

describe('an address', () => {
  it('is in order, or not, with what was seen there', () => {
    const other = address({ address: '192.0.2.2', certificates: [leaf({ notAfter: NOW + 3_600_000 * 5 })] });
    const refused = { ...dead('10.0.0.1', 'refused'), keys: undefined, refused: '10.0.0.1 is private' };
    const seen = view(facts({ addresses: [address(), other, dead('192.0.2.3', 'refused'), refused] })).places;
    expect(seen.map(({ place, state }) => [place, state])).toEqual([
      ['192.0.2.1:8448', 'good'],
      ['192.0.2.2:8448', 'good'],
      ['192.0.2.3:8448', 'bad'],
      ['10.0.0.1:8448', 'skipped'],
    ]);
    expect(seen[0]!.seen).toEqual(['TLS 1.3', 'certificate by Some Authority, 80 days left', 'Synapse 1.160.0']);
    expect(seen[1]!.seen).toContain('certificate by Some Authority, 5 hours left');
    expect(seen[2]!.seen).toEqual(['it failed (refused)']);
  });

  it('is not in order where an error was seen, even if its keys are', () => {
    const refusing = address({ unsigned: { plain: address().unsigned.plain, escaped: answered(400, 'no') } });
    expect(view(facts({ addresses: [refusing] })).places[0]!.state).toBe('bad');
  });
});

describe('the page', () => {
  it('has no script, and its policy allows its style and nothing else', () => {
    const html = page(facts());
    expect(html).not.toMatch(/<script|\son[a-z]+=|style="|javascript:/i);
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(html) ?? [];
    expect(CONTENT_SECURITY_POLICY).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(CONTENT_SECURITY_POLICY).toMatch(/^default-src 'none'; /);
    expect(html.match(/(src|href)="(?!data:,|\/api\/report)/g)).toBeNull();
  });

  it('shows what strangers have written as text', () => {
    const evil = "\"><script>alert(1)</script><b onload='x'>&amp;\u202e";
    const html = page(
      facts({
        asked: evil,
        addresses: [
          address({
            host: evil,
            certificates: [leaf({ issuer: evil })],
            version: answered(200, { server: { name: evil, version: evil } }),
            unknown: answered(200, evil, { 'Content-Type': evil, Server: evil }),
          }),
        ],
        resolution: resolution({ trace: [{ step: '6', what: evil, decided: true }] }),
      }),
    );
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toMatch(/<script|<b[\s>]/);
    expect(html).not.toContain('\u202e');
  });

  it('asks again by itself while a test is under way, and only then', () => {
    expect(renderPage({ kind: 'running', serverName: 'a.test' })).toContain('<meta http-equiv="refresh" content="2">');
    expect(renderPage({ kind: 'form' }) + page(facts())).not.toContain('http-equiv');
  });

  it.each([
    ['works', facts(), 'Works: example.com – Federation tester'],
    [
      'does not',
      facts({ addresses: [dead('192.0.2.1', 'refused')] }),
      'Does not work: example.com – Federation tester',
    ],
  ])('says in its title whether it %s', (_, seen, title) => {
    expect(page(seen)).toContain(`<title>${title}</title>`);
  });

  it('has headings in order, a label for its field, a language', () => {
    const html = page(facts({ addresses: [dead('192.0.2.1', 'refused')] }));
    const levels = [...html.matchAll(/<h(\d)/g)].map((match) => Number(match[1]));
    expect(levels[0]).toBe(1);
    expect(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1)).toBe(true);
    expect(html).toMatch(/<label for="server_name">[\s\S]*<input id="server_name"/);
    expect(html).toContain('<html lang="en">');
  });
});

describe('the colours of the page', () => {
  const [light = '', dark = ''] = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map((match) => match[1]!);
  const read = (block: string) =>
    Object.fromEntries([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]));
  // WCAG 2.2, relative luminance and contrast ratio.
  const luminance = (colour: string): number => {
    const [r, g, b] = [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one: string, other: string): number => {
    const [dim, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
    return (bright + 0.05) / (dim + 0.05);
  };

  it.each([
    ['light', light],
    ['dark', dark],
  ])('can be read in the %s scheme: 4.5 to 1 for text, 3 to 1 for edges', (_, block) => {
    const colours = read(block) as Record<string, string>;
    const grounds = ['ground', 'panel', 'good-ground', 'bad-ground', 'warn-ground', 'unknown-ground'];
    const pairs = [
      ...grounds.map((ground) => ['text', ground]),
      ...['faint', 'link', 'good', 'bad', 'warn', 'unknown'].map((colour) => [colour, 'ground']),
      ...['good', 'bad', 'warn', 'unknown'].map((tone) => [tone, `${tone}-ground`]),
      ['faint', 'panel'],
    ];
    const weak = pairs.filter(([one, other]) => contrast(colours[one!]!, colours[other!]!) < 4.5);
    expect(weak).toEqual([]);
    expect(contrast(colours['edge']!, colours['ground']!)).toBeGreaterThanOrEqual(3);
  });
});

describe('TAP', () => {
  it('has a case for every finding', () => {
    const ids = Object.keys(FINDING_KINDS) as FindingId[];
    const requests = ids.filter((id) => caseOf(id) === 'requests_arrive');
    // Whatever is new and about requests is added here.
    expect(requests).toEqual([
      'authorization-stripped',
      'signature-rejected',
      'path-refused',
      'path-mangled',
      'slashes-merged',
      'signature-not-checked',
      'federation-denied',
      'body-limit',
      'hold-cut',
    ]);
  });

  it('no name can break its lines', () => {
    const seen = facts({ asked: 'a\n1..0\nok 1 # SKIP', serverName: bad('no\n...\nnot ok 1'), addresses: [] });
    const lines = renderTap({ ...seen, resolution: undefined }, judge(seen, { reach: 'public' }, NOW)).split('\n');
    expect(lines.filter((line) => /^(not ok|ok|1\.\.)/.test(line))).toHaveLength(12);
    expect(lines[1]).toBe('# a?1..0?ok 1 \\# SKIP');
  });
});

it('JSON says the same with what terminals obey escaped', () => {
  const seen = facts({ addresses: [address({ version: answered(200, { server: { name: 'a\u009b\u202eb' } }) })] });
  const text = renderJson(seen, judge(seen, { reach: 'public' }, NOW), NOW);
  expect(text).toContain('a\\u009b\\u202eb');
  expect(JSON.parse(text)).toMatchObject({ Version: { name: 'a\u009b\u202eb' } });
});
