import type { AddressFacts } from './facts.ts';
import { placeOf } from './judge-connections.ts';
import { readKeys } from './read-keys.ts';
import type { Remark } from './verdict.ts';

/** Whether all addresses that show this server's keys show the same ones: two homeservers with one name are none. */
export function* judgeDifferences(addresses: readonly AddressFacts[], serverName: string): Generator<Remark> {
  const shown = addresses.flatMap((about) => {
    const keys = readKeys(about.keys, serverName);
    if (keys?.serverName !== serverName || keys.keys.length === 0) return [];
    return [
      {
        about,
        keys: keys.keys
          .map(({ id, key }) => `${id} ${key}`)
          .sort()
          .join(', '),
      },
    ];
  });
  if (new Set(shown.map(({ keys }) => keys)).size < 2) return;
  yield {
    id: 'keys-differ',
    evidence: shown.map(({ about, keys }) => `${placeOf(about)}: ${keys.slice(0, 200)}`).join('; '),
    fix: 'Let all addresses lead to one homeserver: two of the same name (a copy, an old machine) break every room that they are in.',
    lines: ['homeserver.yaml: signing_key_path (one file, the same for all processes)'],
  };
}
