import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { type HomeserverFacts, renderHomeserverLines } from '../../src/advise/homeserver-lines.ts';
import { lintHomeserver } from '../../src/synapse/lint.ts';
import { readServer } from '../app/test-config.ts';
import { facts, read } from '../synapse/sound.ts';

const render = (keys = '', callsUrl?: string): { text: string; server: ReturnType<typeof readServer> } => {
  const server = readServer('example.com', keys);
  const upload: HomeserverFacts['upload'] = { bytes: 1024 ** 3, text: '1GiB' };
  return { text: renderHomeserverLines({ server, baseUrl: 'https://matrix.example.com', callsUrl, upload }), server };
};

const WORKERS =
  'workers: { generic: "http://g1:8081", media: "http://m1:8082", stream_writers: { typing: "http://s1:8083", to_device: "http://s1:8083" } }';

it('for a homeserver with workers, the lines are such that doctor has nothing to say', () => {
  const { text, server } = render(WORKERS);
  const filled = text.replaceAll('[NAME]', '[s1]');
  expect(lintHomeserver(read(filled), facts({ workers: server.workers }))).toEqual([
    expect.objectContaining({ id: 'synapse-private-listener-open', severity: 'info' }),
  ]);
  expect(parse(text)).toMatchObject({
    redis: { enabled: true },
    instance_map: { main: { host: 'synapse', port: 9093 } },
    stream_writers: { typing: ['NAME'], to_device: ['NAME'] },
    enable_media_repo: false,
  });
});

it('for a homeserver that is one process, nothing of workers is among them', () => {
  const { text } = render();
  expect(text).not.toMatch(/redis|instance_map|replication|stream_writers|media_repo/);
  expect(lintHomeserver(read(text), facts())).toEqual([]);
});

it('for a homeserver with services for calls, the lines are such that doctor has nothing to say', () => {
  const rtc = 'https://rtc.example.com/livekit/jwt';
  const { text } = render('', rtc);
  expect(lintHomeserver(read(text), facts({ rtc: { url: rtc, ownHost: false } }))).toEqual([]);
  expect(lintHomeserver(read(render().text), facts({ rtc: { url: rtc, ownHost: false } }))).toHaveLength(2);
});
