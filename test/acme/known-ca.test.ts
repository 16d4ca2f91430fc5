import { expect, it } from 'vitest';
import { describeKnownCa } from '../../src/acme/known-ca.ts';
import { NEVER, withCa } from './open-ca.ts';

it("knows a CA's names in CAA records from its directory", async () => {
  await withCa(async ({ scripted, again }) => {
    scripted.script('directory', {
      rewrite: (answer) => ({
        ...answer,
        body: {
          ...(answer.body as object),
          meta: { caaIdentities: ['CA.example', 'ca2.example', 7, 'a b'], profiles: { short: 'x' } },
        },
      }),
    });
    expect(await describeKnownCa(again(), NEVER)).toEqual({
      isPublic: false,
      isStaging: false,
      caaIdentities: ['ca.example', 'ca2.example'],
      profiles: ['short'],
    });
  });
});

it.each([
  ['https://acme-v02.api.letsencrypt.org/directory', true, false, ['letsencrypt.org']],
  ['https://acme-staging-v02.api.letsencrypt.org/directory', true, true, ['letsencrypt.org']],
  ['https://acme.zerossl.com/v2/DV90', true, false, ['sectigo.com']],
  ['https://ca.internal/acme', false, false, []],
])('and from the table where the directory of %s says nothing', async (directoryUrl, isPublic, isStaging, names) => {
  const directory = () => Promise.reject(new Error('not reached'));
  expect(await describeKnownCa({ directoryUrl, directory }, NEVER)).toEqual({
    isPublic,
    isStaging,
    caaIdentities: names,
    profiles: [],
  });
});
