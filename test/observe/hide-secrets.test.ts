import { expect, it } from 'vitest';
import { hideSecrets } from '../../src/observe/hide-secrets.ts';

const SYNAPSE = 'syt_YWxpY2U_QwErTyUiOpAsDfGhJkLz_1a2B3c';
const REFRESH = 'syr_YWxpY2U_QwErTyUiOpAsDfGhJkLz_1a2B3c';
const MAS = 'mat_Fj4kQ0pXbW2sVtRz8yLcNdHgUe6aKi_9ZyX1w';
const MACAROON = 'MDAxOGxvY2F0aW9uIGhzMS50ZXN0CjAwMTNpZGVudGlmaWVyIGtleQo';
const OPAQUE = 'Zk3vJ9wqT1xYb5RmN7cL0sHdG2uPa8Ei';

it.each([
  ['a token behind a forgotten question mark', `/_matrix/client/v3/sync&access_token=${OPAQUE}`],
  ['with its equals sign written as %3D', `/_matrix/client/v3/sync%3Faccess_token%3D${OPAQUE}`],
  ['a token of Synapse as a segment', `/_matrix/client/v3/sync/${SYNAPSE}`],
  ['one behind an encoded slash', `/_matrix/client/v3/sync%2F${SYNAPSE}`],
  ['its refresh token', `/_matrix/client/v3/refresh/${REFRESH}`],
  ['a login token', '/_matrix/client/v3/login/syl_QwErTyUiOpAsDfGhJkLz_1a2B3c'],
  ['a token of the Matrix Authentication Service', `/x/${MAS}`],
  ['its refresh token', `/x/${MAS.replace('mat_', 'mar_')}/y`],
  ['a macaroon', `/_matrix/client/r0/${MACAROON}==`],
  ['a header in the path', `/_matrix/Authorization:%20Bearer%20${OPAQUE}`],
  ['an application service, with its token', `/transactions/1;hs_token=${OPAQUE}`],
  ['a code from an e-mail', `/_matrix/client/unstable/add_threepid/email/submit_token;token=x;client_secret=${OPAQUE}`],
  ['a delayed event', `/_matrix/client/unstable/org.matrix.msc4140/delayed_events/${OPAQUE}/restart`],
  ['a rendezvous', `/_matrix/client/unstable/org.matrix.msc4108/rendezvous/${OPAQUE}`],
])('hides %s', (_, path) => {
  const hidden = hideSecrets(path);
  for (const secret of [SYNAPSE, REFRESH, MAS, MACAROON, OPAQUE])
    for (const part of [secret, secret.slice(0, 16), secret.slice(8, 24)]) expect(hidden).not.toContain(part);
  expect(hidden).not.toContain('QwErTyUi');
  expect(hidden).not.toContain(MAS.slice(4, 20));
  expect(hidden).toContain('…');
});

it.each([
  '/_matrix/client/v3/rooms/!a%2Fb:example.com/messages',
  '/_matrix/federation/v1/send/1700000000000',
  '/_matrix/client/v3/rooms/!r:a.test/send/m.room.message/m1700.1',
  '/_matrix/media/v3/download/a.test/syt',
  '/_matrix/client/v3/profile/@password:a.test',
  '/_matrix/federation/v1/event/$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg',
  '/_matrix/client/v3/register/email/requestToken',
])('leaves %s as it is', (path) => {
  expect(hideSecrets(path)).toBe(path);
});

it('takes no time for what was made to take some', () => {
  const began = performance.now();
  for (const part of ['syt_', 'access_token=', '/rendezvous/', 'Bearer ', 'MDAx', 'a']) hideSecrets(part.repeat(2_000));
  expect(performance.now() - began).toBeLessThan(1_000);
});
