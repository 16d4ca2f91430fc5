import { expect, it } from 'vitest';
import { lintHomeserver } from '../../src/synapse/lint.ts';
import { facts, read, SOUND } from './sound.ts';

const URL = 'https://rtc.example.com/livekit/jwt';
const FEATURES = 'experimental_features: { msc4143_enabled: true }\n';
const DELAYS = 'max_event_delay_duration: 24h\n';
const transports = (...urls: readonly string[]): string =>
  `matrix_rtc: { transports: [${urls.map((url) => `{ type: livekit, livekit_service_url: "${url}" }`).join(', ')}] }\n`;
const lint = (shared: string, rtc: string | undefined) =>
  lintHomeserver(
    read(`${SOUND}${shared}`),
    facts({ rtc: rtc === undefined ? undefined : { url: rtc, ownHost: rtc === URL } }),
  );

it.each([
  ['all that is needed', `${FEATURES}${DELAYS}${transports(URL)}`, URL, []],
  [
    'one of several that is meant',
    `${FEATURES}${DELAYS}${transports('https://x.test', 'https://rtc.example.com')}`,
    URL,
    [],
  ],
  ['nothing, where the sidecar has no services', '', undefined, []],
  [
    'services of its own elsewhere, where the sidecar has none',
    `${FEATURES}${transports('https://x.test')}`,
    undefined,
    [],
  ],
  ['nothing', '', URL, ['synapse-rtc-transports', 'synapse-rtc-delayed-events']],
  ['transports that it does not tell', `${DELAYS}${transports(URL)}`, URL, ['synapse-rtc-transports']],
  ['no transports', `${FEATURES}${DELAYS}matrix_rtc: {}\n`, URL, ['synapse-rtc-transports']],
  ['another service', `${FEATURES}${DELAYS}${transports('https://x.test/y')}`, URL, ['synapse-rtc-differs']],
  [
    'what is no address',
    `${FEATURES}${DELAYS}matrix_rtc: { transports: [1, {}, { livekit_service_url: x }] }\n`,
    URL,
    ['synapse-rtc-differs'],
  ],
] as const)('what Synapse has for calls: %s', (_, shared, rtc, expected) => {
  expect(lint(shared, rtc).map(({ id }) => id)).toEqual(expected);
});

it('the lines for Synapse are such that it is content with', () => {
  const [finding, delays] = lint('', URL);
  expect(lint(`${[...finding!.lines!, ...delays!.lines!].join('\n')}\n`, URL)).toEqual([]);
});
