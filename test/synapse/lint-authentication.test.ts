import { expect, it } from 'vitest';
import { parseUpstream } from '../../src/base/address.ts';
import { lintHomeserver } from '../../src/synapse/lint.ts';
import { facts, read, SOUND } from './sound.ts';

const parsed = parseUpstream('http://mas:8080');
const mas = parsed.ok ? parsed.value : undefined;
const DELEGATES =
  'matrix_authentication_service: { enabled: true, endpoint: "http://user:hunter2@mas:8080/x", secret: hunter2 }\n';
const lint = (shared: string, about: { mas: typeof mas }) => lintHomeserver(read(`${SOUND}${shared}`), facts(about));

it.each([
  ['both have a service', DELEGATES, { mas }, []],
  ['neither has one', '', { mas: undefined }, []],
  ['only Synapse has one', DELEGATES, { mas: undefined }, ['synapse-mas-unrouted']],
  ['only the sidecar has one', '', { mas }, ['synapse-mas-off']],
] as const)('who answers logins: %s', (_, shared, about, expected) => {
  expect(lint(shared, about).map(({ id }) => id)).toEqual(expected);
});

it('the line for the sidecar has the address of the service, and no secret', () => {
  const [finding] = lint(DELEGATES, { mas: undefined });
  expect(finding!.lines).toEqual(['    mas: http://mas:8080']);
  expect(JSON.stringify(finding)).not.toContain('hunter2');
});
