import { describe, expect, it } from 'vitest';
import { decodePercent, readAccessToken, readParameter, readTokenUser } from '../../src/matrix/access-token.ts';

const SYNC = '/_matrix/client/v3/sync';
const read = (authorization: string | undefined, query = '') =>
  readAccessToken(authorization, `${SYNC}${query}`, SYNC.length);

describe('an access token is found where Synapse looks for one', () => {
  it.each([
    ['Bearer syt_x', '', 'syt_x'],
    ['bearer syt_x', '', 'syt_x'],
    ['Bearer  syt_x ', '', 'syt_x'],
    [undefined, '?access_token=syt_x', 'syt_x'],
    [undefined, '?since=1&access_token=mct_a%2Bb&x', 'mct_a+b'],
    ['Bearer from-the-header', '?access_token=from-the-query', 'from-the-header'],
    [undefined, '', undefined],
    [undefined, '?xaccess_token=a', undefined],
    [undefined, '?since=access_token=a', undefined],
    ['Bearer', '', undefined],
    ['Bearer ', '', undefined],
    ['Basic YTpi', '', undefined],
    ['X-Matrix origin="a"', '?access_token=a', undefined],
  ])('%s %s', (authorization, query, token) => {
    expect(read(authorization, query)).toBe(token);
  });

  it.each([
    ['with a line end, which would begin another header', '?access_token=a%0D%0AHost:%20b'],
    ['with a blank', '?access_token=a%20b'],
    ['with a letter outside ASCII', '?access_token=%C3%A9'],
    ['longer than any that is given out', `?access_token=${'a'.repeat(4097)}`],
  ])('but not one %s', (_, query) => {
    expect(read(undefined, query)).toBeUndefined();
  });
});

describe('a token of Synapse names its user', () => {
  const token = (local: string) => `syt_${local}_AbCdEfGhIjKlMnOpQrSt_0a1B2c`;
  it.each([
    [token('YWxpY2U'), 'alice'],
    [token('w6lsaXNl'), 'élise'],
    [`${token('YWxpY2U')}3`, 'alice'],
    [token(''), undefined],
    [token('YWxp-Y2U'), undefined],
    ['syt_YWxpY2U_short_0a1B2c', undefined],
    ['syr_YWxpY2U_AbCdEfGhIjKlMnOpQrSt_0a1B2c', undefined],
    ['mct_WkHfTyXxxxxxxxxxxxxxxxxxxxxxxx_abcdef', undefined],
    ['mat_AbCdEfGhIjKlMnOpQrStUvWx_abcdef', undefined],
    ['MDAxY2xvY2F0aW9uIGV4YW1wbGU', undefined],
    [token('A'.repeat(401)), undefined],
  ])('%s: %s', (text, user) => {
    expect(readTokenUser(text)).toBe(user);
  });
});

describe('a parameter of a query', () => {
  it.each([
    ['/a', 'x', undefined],
    ['/a?', 'x', undefined],
    ['/a?x', 'x', undefined],
    ['/a?x=', 'x', ''],
    ['/a?x=1&x=2', 'x', '1'],
    ['/a?yx=1&x=2', 'x', '2'],
    ['/a?&&x=2&', 'x', '2'],
    ['/a?x=a%26=b', 'x', 'a%26=b'],
  ])('of %s, %s is %s', (target, name, value) => {
    const end = target.indexOf('?');
    expect(readParameter(target, end === -1 ? target.length : end, name)).toBe(value);
  });

  it('stays as it is where its percent-encoding is broken', () => {
    expect(decodePercent('!a%3Ab')).toBe('!a:b');
    expect(decodePercent('100%')).toBe('100%');
    expect(decodePercent('%ff')).toBe('%ff');
  });
});
