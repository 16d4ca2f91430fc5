import { expect, it } from 'vitest';
import { adviseOwner, describeDenial } from '../../src/base/own-user.ts';

it.each([
  ['the user of the image', 10001, 'uid 10001'],
  ['another user', 1000, 'uid 1000'],
  ['root, which a network file system or a container may refuse', 0, 'uid 0'],
])('a refusal names the user: %s', (_who, uid, words) => {
  expect(describeDenial(uid)).toBe(`permission denied to ${words}, as which the sidecar runs`);
});

it.each([
  [true, 'Run "chown -R 10001 /srv/certs" as root'],
  [false, 'Run "chown 10001 /srv/certs" as root'],
])('the advice is a command (folder: %s)', (recursive, words) => {
  expect(adviseOwner('/srv/certs', recursive, 10001)).toContain(words);
});
