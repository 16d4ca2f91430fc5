import { describe, expect, it } from 'vitest';
import { digestConfig } from '../../src/config/digest-config.ts';
import { writeConfig } from '../../src/config/write-config.ts';
import { loadText } from './load-file.ts';

function digest(yaml: string): string {
  const loaded = loadText(yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return digestConfig(loaded.config);
}
const PLAIN = 'servers: [{ server_name: a.test, homeserver: "http://h:1", delegate_to: m.a.test }]\n';
const store = (password: string): string => `${PLAIN}store: postgres://sidecar:${password}@db/certs\n`;

describe('the digest of a configuration', () => {
  it('is the same for what means the same, however it is written', () => {
    const loaded = loadText(PLAIN);
    expect(loaded.ok && digest(writeConfig(loaded.config))).toBe(digest(PLAIN));
    expect(digest(`# a remark\n${PLAIN}log: { level: info }\n`)).toBe(digest(PLAIN));
  });

  it.each([
    ['a key of a server', PLAIN.replace('m.a.test', 'm.a.test, delegate_by: srv')],
    ['a listener', `${PLAIN}listen: { http: off }\n`],
    ['a limit', `${PLAIN}limits: { upload: 1MiB }\n`],
  ])('is another one with %s', (_, yaml) => {
    expect(digest(yaml)).not.toBe(digest(PLAIN));
  });

  it('lets nobody try passwords out', () => {
    expect(digest(store('one'))).toBe(digest(store('two')));
    expect(digest(store('one'))).not.toBe(digest(PLAIN));
  });
});
