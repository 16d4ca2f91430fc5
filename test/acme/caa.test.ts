import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CaaRecord, type CaaRequest, decideCaa } from '../../src/acme/caa.ts';

const ACCOUNT = 'https://ca.example.net/account/123';
const request = (more: Partial<CaaRequest> = {}): CaaRequest => ({
  issuers: ['ca1.example.net'],
  wildcard: false,
  accountUrl: ACCOUNT,
  methods: ['http-01', 'dns-01'],
  ...more,
});
/** `0 issue "value"`, as a zone file has it. */
const caa = (...lines: string[]): CaaRecord[] =>
  lines.map((line) => {
    const [, flags, tag, value] = /^(\d+) (\S+) "(.*)"$/.exec(line)!;
    return { critical: (Number(flags) & 128) !== 0, tag: tag!, value: value! };
  });

describe('CAA records (RFC 8659)', () => {
  it.each<[string, string[], Partial<CaaRequest>, boolean]>([
    ['none at all', [], {}, true],
    ['ours', ['0 issue "ca1.example.net"'], {}, true],
    ['ours in other letters', ['0 ISSUE "CA1.Example.NET"'], {}, true],
    ['ours with blanks', ['0 issue " ca1.example.net ; "'], {}, true],
    ['one of several names of ours', ['0 issue "old.example"'], { issuers: ['ca1.example.net', 'old.example'] }, true],
    ["another's", ['0 issue "ca2.example.org"'], {}, false],
    ["another's and ours (section 4.2)", ['0 issue "ca1.example.net"', '0 issue "ca2.example.org"'], {}, true],
    ['a name that ends like ours', ['0 issue "evil-ca1.example.net"'], {}, false],
    ["ours with the CA's own parameter (section 4.2)", ['0 issue "ca1.example.net; account=230123"'], {}, true],
    ['nobody (section 4.2)', ['0 issue ";"'], {}, false],
    ['nobody, written as nothing', ['0 issue ""'], {}, false],
    ['nobody, with parameters', ['0 issue "; policy=ev"'], {}, false],
    ['a value that is none (section 4.2)', ['0 issue "%%%%%"'], {}, false],
    ['parameters that are none', ['0 issue "ca1.example.net; a=b c"'], {}, false],
    ['a parameter without a value', ['0 issue "ca1.example.net; a="'], {}, true],
    ['an empty parameter in between', ['0 issue "ca1.example.net;; a=b"'], {}, false],
    ['only iodef (section 4.4)', ['0 iodef "mailto:security@example.com"'], {}, true],
    ['iodef that is critical', ['128 iodef "mailto:security@example.com"'], {}, true],
    ['an unknown tag that is critical (section 4.5)', ['0 issue "ca1.example.net"', '128 tbs "Unknown"'], {}, false],
    ['an unknown tag that is not', ['0 issue "ca1.example.net"', '0 tbs "Unknown"'], {}, true],
    ['issuewild does not count for a name', ['0 issuewild "ca2.example.org"'], {}, true],
    ['issue counts for a wildcard', ['0 issue "ca2.example.org"'], { wildcard: true }, false],
    ['issuewild for us', ['0 issue ";"', '0 issuewild "ca1.example.net"'], { wildcard: true }, true],
    ['issuewild for us, and no names', ['0 issue ";"', '0 issuewild "ca1.example.net"'], {}, false],
    ['no wildcards (section 4.3)', ['0 issue "ca1.example.net"', '0 issuewild ";"'], { wildcard: true }, false],
    ['no wildcards, but names', ['0 issue "ca1.example.net"', '0 issuewild ";"'], {}, true],
  ])('%s', (_, lines, more, permitted) => {
    const decision = decideCaa(caa(...lines), request(more));
    expect(decision.permitted).toBe(permitted);
    expect(decision.methods).toEqual(permitted ? request().methods : []);
    expect(decision.why).toMatch(/\.$/);
  });
});

describe('their parameters (RFC 8657)', () => {
  const other = 'https://ca.example.net/account/321';
  it.each<[string, string[], Partial<CaaRequest>, readonly string[]]>([
    ['our account', [`0 issue "ca1.example.net; accounturi=${ACCOUNT}"`], {}, ['http-01', 'dns-01']],
    [
      'our account, tag in other letters',
      [`0 issue "ca1.example.net; AccountURI=${ACCOUNT}"`],
      {},
      ['http-01', 'dns-01'],
    ],
    ['another account', [`0 issue "ca1.example.net; accounturi=${other}"`], {}, []],
    ['an account that differs in case', [`0 issue "ca1.example.net; accounturi=${ACCOUNT.toUpperCase()}"`], {}, []],
    [
      'an account, and we have none',
      [`0 issue "ca1.example.net; accounturi=${ACCOUNT}"`],
      { accountUrl: undefined },
      [],
    ],
    ['two accounts in one record', [`0 issue "ca1.example.net; accounturi=${ACCOUNT}; accounturi=${other}"`], {}, []],
    [
      'two records, one with our account (section 3)',
      [`0 issue "ca1.example.net; accounturi=${other}"`, `0 issue "ca1.example.net; accounturi=${ACCOUNT}"`],
      {},
      ['http-01', 'dns-01'],
    ],
    ['one method (section 4)', ['0 issue "ca1.example.net; validationmethods=dns-01"'], {}, ['dns-01']],
    [
      'several methods',
      ['0 issue "ca1.example.net; validationmethods=ca-x,http-01,dns-01"'],
      {},
      ['http-01', 'dns-01'],
    ],
    ['a method that we have not', ['0 issue "ca1.example.net; validationmethods=tls-alpn-01"'], {}, []],
    ['no method', ['0 issue "ca1.example.net; validationmethods="'], {}, []],
    [
      'the methods of two records together',
      ['0 issue "ca1.example.net; validationmethods=dns-01"', '0 issue "ca1.example.net; validationmethods=http-01"'],
      {},
      ['http-01', 'dns-01'],
    ],
    [
      'account and method, both to be met',
      [`0 issue "ca1.example.net; validationmethods=dns-01; accounturi=${other}"`],
      {},
      [],
    ],
    [
      "another CA's account and our method",
      [`0 issue "ca2.example.org; accounturi=${other}"`, '0 issue "ca1.example.net; validationmethods=http-01"'],
      {},
      ['http-01'],
    ],
  ])('%s', (_, lines, more, methods) => {
    const decision = decideCaa(caa(...lines), request(more));
    expect(decision.methods).toEqual(methods);
    expect(decision.permitted).toBe(methods.length > 0);
  });

  it('names the account that is asked for and ours', () => {
    const { why } = decideCaa(caa(`0 issue "ca1.example.net; accounturi=${other}"`), request());
    expect(why).toBe(`The CAA record for ca1.example.net asks for the account ${other}; ours is ${ACCOUNT}.`);
  });

  it('never throws, and permits no method that was not asked for, whatever a zone holds', () => {
    const record = fc.record({
      critical: fc.boolean(),
      tag: fc.oneof(fc.constantFrom('issue', 'issuewild', 'IODEF', '__proto__'), fc.string()),
      value: fc.oneof(
        fc.string(),
        fc.constantFrom('ca1.example.net', ';', 'ca1.example.net; validationmethods=dns-01'),
      ),
    });
    fc.assert(
      fc.property(fc.array(record), fc.boolean(), (records, wildcard) => {
        const decision = decideCaa(records, request({ wildcard }));
        expect(decision.methods.every((method) => request().methods.includes(method))).toBe(true);
        expect(decision.permitted).toBe(decision.methods.length > 0);
      }),
    );
  });
});
