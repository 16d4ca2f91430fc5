import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameSetId, normaliseName, planSets, readIdentifier } from '../../src/acme/names.ts';
import { requireStoreKey } from '../../src/store/store.ts';

const needs = (server: string, ...names: string[]) => ({
  server,
  needed: names.map((name) => ({ name, why: `it is ${name}` })),
});

describe('certificate sets', () => {
  it('gives each server one certificate for its sorted names, without doubles', () => {
    const [set, ...more] = planSets([needs('example.com', 'Matrix.Example.com', 'example.com', 'example.com.')]);
    expect(more).toEqual([]);
    expect(set).toMatchObject({ names: ['example.com', 'matrix.example.com'], servers: ['example.com'] });
    expect(set!.requiredProfile).toBeUndefined();
    expect(set!.why).toBe(
      'One certificate for example.com: example.com because it is example.com; matrix.example.com because it is Matrix.Example.com.',
    );
  });

  it('does not change the set of one server when another comes, goes or changes', () => {
    const ours = needs('b.example', 'b.example', 'matrix.b.example');
    const alone = planSets([ours]);
    const among = planSets([needs('a.example', 'a.example'), ours, needs('c.example', 'c.example', 'b.example')]);
    expect(among.filter((set) => set.servers.includes('b.example'))).toEqual(alone);
  });

  it('shares a certificate between servers that need exactly the same names', () => {
    const sets = planSets([needs('a.example', 'm.host.example'), needs('b.example', 'm.host.example')]);
    expect(sets).toMatchObject([{ names: ['m.host.example'], servers: ['a.example', 'b.example'] }]);
    expect(sets[0]!.why).toMatch(/for a\.example and b\.example/);
  });

  it.each([['192.0.2.1'], ['2001:DB8:0:0::1']])('asks for the profile shortlived for the address %s', (address) => {
    const [set] = planSets([needs(address, address)]);
    expect(set).toMatchObject({ requiredProfile: 'shortlived', names: [normaliseName(address)] });
    expect(set!.why).toContain('profile shortlived');
  });

  it('keeps addresses and names of one server in certificates of their own', () => {
    const sets = planSets([needs('example.com', 'example.com', '192.0.2.1')]);
    expect(sets.map(({ names, requiredProfile }) => [names, requiredProfile])).toEqual([
      [['example.com'], undefined],
      [['192.0.2.1'], 'shortlived'],
    ]);
  });

  it.each([
    ['example.com', /^example\.com-[0-9a-f]{8}$/],
    ['*.example.com', /^_\.example\.com-[0-9a-f]{8}$/],
    ['2001:db8::1', /^2001_db8__1-[0-9a-f]{8}$/],
    ['::1', /^__1-[0-9a-f]{8}$/],
    [`${'a'.repeat(63)}.`.repeat(4), /^[a.]{180}-[0-9a-f]{8}$/],
  ])('calls the set of %s by its first name and a hash', (name, form) => {
    expect(nameSetId([name])).toMatch(form);
  });

  it('gives every set a name that a store can hold, and another to every other set', () => {
    const name = fc.oneof(
      fc.domain(),
      fc.domain().map((domain) => `*.${domain}`),
      fc.ipV4(),
      fc.ipV6(),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 4 }), (names) => {
        const id = nameSetId(names);
        expect(() => requireStoreKey(`acme/certificates/${id}.json`)).not.toThrow();
        expect(nameSetId([...names].reverse())).toBe(id);
        expect(nameSetId([...names, 'one-more.example'])).not.toBe(id);
      }),
    );
  });

  it.each([
    ['EXAMPLE.com.', 'example.com'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::0001]', '2001:db8::1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['192.0.2.1', '192.0.2.1'],
  ])('compares %s as %s', (written, normal) => {
    expect(normaliseName(written)).toBe(normal);
  });

  it.each([
    ['*.example.com', { identifier: { type: 'dns', value: 'example.com' }, wildcard: true }],
    ['example.com', { identifier: { type: 'dns', value: 'example.com' }, wildcard: false }],
    ['192.0.2.1', { identifier: { type: 'ip', value: '192.0.2.1' }, wildcard: false }],
    ['2001:db8::1', { identifier: { type: 'ip', value: '2001:db8::1' }, wildcard: false }],
  ])('reads %s as an order names it', (name, read) => {
    expect(readIdentifier(name)).toEqual(read);
  });
});
