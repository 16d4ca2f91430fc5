import { describe, expect, it } from 'vitest';
import { drawEvents, RATE } from '../../bench/day-mix.ts';
import { chooseExperiments } from '../../bench/experiments/catalogue.ts';
import { speedUp } from '../../bench/experiments/processes.ts';
import { decidePlacement, parseCpuList } from '../../bench/machine.ts';
import { readOptions } from '../../bench/options.ts';
import { isAtLeast } from '../../bench/peers/peer.ts';
import { describeFunction, describePlace, listSelfTimes } from '../../bench/profile.ts';
import { readVersion } from '../../bench/toolbox.ts';

describe('options of the bench', () => {
  it('measures everything, five rounds, when nothing is said', () => {
    const options = readOptions([])!;
    expect(options).toMatchObject({
      mode: 'full',
      rows: [],
      peers: ['nginx', 'haproxy', 'caddy'],
      rounds: 5,
      build: true,
    });
  });

  it('takes rows by the begin of their names', () => {
    const { rows } = readOptions(['--rows', 'small-get, handshake-full', '--rounds', '3'])!;
    const names = chooseExperiments(rows).flatMap((experiment) => experiment.rows.map((row) => row.name));
    expect(names).toEqual(['small-get-h1', 'small-get-h2', 'handshake-full']);
  });

  it.each([
    [['slow'], /No such mode: slow/],
    [['--rows', 'nothing'], /No row begins with nothing/],
    [['--peers', 'apache'], /No peer is called apache/],
    [['--rounds', '0'], /--rounds 0: write a number from 1/],
    [['--fast'], /--fast/],
  ])('refuses %j', (args, expected) => {
    expect(() => readOptions(args)).toThrow(expected);
  });

  it('needs no peers to measure the sidecar alone', () => {
    expect(readOptions(['--peers', 'none'])!.peers).toEqual([]);
  });
});

describe('places of the bench', () => {
  it.each([
    ['0-1', { proxy: '1', others: '0', pair: '0,1' }],
    ['0-2,7', { proxy: '7', others: '0,1,2', pair: '2,7' }],
    ['3', undefined],
  ])('gives the proxy a processor of %s', (list, expected) => {
    expect(decidePlacement(parseCpuList(list))).toEqual(expected);
  });

  it.each([
    ['nginx', 'nginx version: nginx/1.30.6\n', '1.30.6'],
    ['haproxy', 'HAProxy version 3.2.26-1 2026/10/14 - https://haproxy.org/\n', '3.2.26'],
    ['caddy', '1795.12 INFO maxprocs\n2.11.4\n', '2.11.4'],
    ['caddy', 'v2.6.2 h1:abc\n', '2.6.2'],
    ['h2load', 'h2load nghttp2/1.70.0\n', '1.70.0'],
  ] as const)('reads the version of %s', (tool, said, expected) => {
    expect(readVersion(tool, said)).toBe(expected);
  });

  it.each([
    ['1.25.1', true],
    ['1.30', true],
    ['1.25.0', false],
    ['1.22.1', false],
  ])('knows whether %s is 1.25.1 or later', (version, expected) => {
    expect(isAtLeast(version, '1.25.1')).toBe(expected);
  });
});

describe('figures of the bench', () => {
  it('draws the same day from the same seed, at its rate', () => {
    const events = drawEvents(20, 1);
    expect(drawEvents(20, 1)).toEqual(events);
    expect(events.length / 20 / RATE).toBeCloseTo(1, 1);
    expect(events.every((event, index) => index === 0 || event.at >= events[index - 1]!.at)).toBe(true);
  });

  it.each([
    ['even and free', 100, [50, 50], 2],
    ['uneven', 100, [80, 20], 1.25],
    ['dearer', 100, [60, 60], 100 / 60],
    ['even but for a process that hands connections over', 100, [50, 50, 10], 100 / 55],
  ])('says what two processes give: %s', (_, single, byProcess, expected) => {
    expect(speedUp(single, byProcess)).toBeCloseTo(expected);
  });

  it('adds up what functions took themselves, without idle time and the start', () => {
    const frame = (functionName: string, url = '') => ({ callFrame: { functionName, url, lineNumber: 9 } });
    const profile = {
      nodes: [
        { id: 1, ...frame('(idle)') },
        { id: 2, ...frame('work', 'file:///project/dist/app/a.js') },
        { id: 3, ...frame('work', 'file:///project/dist/app/a.js') },
        { id: 4, ...frame('', 'node:net') },
        { id: 5, ...frame('load', 'file:///project/dist/app/b.js') },
      ],
      samples: [5, 1, 2, 3, 4],
      timeDeltas: [100, 1000, 10, 20, 10],
    };
    expect(listSelfTimes(profile, (one) => describeFunction(one, '/project'), 100)).toEqual([
      { what: 'work  dist/app/a.js:10', share: 0.75 },
      { what: '(anonymous)  node:net:10', share: 0.25 },
    ]);
  });

  it.each([
    ['file:///project/node_modules/undici/lib/a.js', 'undici'],
    ['file:///project/dist/forward/a.js', 'dist/forward'],
    ['node:internal/streams/writable', 'node:internal/streams'],
    ['node:net', 'node:net'],
    ['wasm://wasm/00034eea', 'WebAssembly'],
    ['', 'native code'],
  ])('says where %s belongs', (url, expected) => {
    expect(describePlace({ functionName: 'f', url, lineNumber: 0 }, '/project')).toBe(expected);
  });
});
