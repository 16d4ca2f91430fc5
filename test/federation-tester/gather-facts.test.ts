import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { gatherFacts } from '../../src/federation-tester/gather-facts.ts';
import { change, type DeploymentWorld, IMPATIENT, NAME, openDeploymentWorld, planDeployment } from './deployment.ts';

let world: DeploymentWorld;
beforeAll(async () => {
  world = await openDeploymentWorld();
});
afterAll(() => world.close());

/** Nothing is to be asked of anybody. */
const NOBODY = {
  system: realSystem,
  names: {
    lookupHost: () => Promise.reject(new Error('no name is to be looked up')),
    lookupSrv: () => Promise.reject(new Error('no name is to be looked up')),
  },
  https: { request: () => Promise.reject(new Error('nobody is to be asked')) },
};

describe('gathering facts', () => {
  it.each([
    ['', 'nothing'],
    ['https://example.com', 'a URL'],
    ['example.com:', 'an empty port'],
    ['example.com:99999', 'an impossible port'],
    ['[::1', 'an open bracket'],
    ['[::1]]:8448', 'a bracket too many'],
    ['::1', 'IPv6 without brackets'],
    ['a b', 'a blank'],
    ['exämple.com', 'an umlaut'],
    ['\u202emoc.elpmaxe', 'a turned direction'],
    ['a\u0000b', 'a zero byte'],
    ['x'.repeat(300), '300 characters'],
    ['x'.repeat(1_000_000), 'a million characters'],
    ['@alice:example.com', 'a user id'],
  ])('takes %j for no server name: %s', async (asked) => {
    const facts = await gatherFacts(asked, NOBODY, { allowPrivate: true }, AbortSignal.timeout(1_000));
    expect(facts.serverName.ok).toBe(false);
    expect(facts.addresses).toEqual([]);
  });

  it('asks every address once, and all of it soon', async () => {
    const plan = planDeployment(world, 'nothing');
    plan.zone[`A ${NAME}`] = [
      ['A', '127.0.0.1'],
      ['A', '127.0.0.2'],
      ['A', '127.0.0.1'],
    ];
    change(plan, `${NAME}:8448`, { addresses: ['127.0.0.1', '127.0.0.2'] });
    const { facts, verdict } = await world.test(plan);
    expect(facts.addresses.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(facts.took).toBeLessThan(5_000);
    expect(verdict.federationOk).toBe(true);
  });

  it('sends the large transaction to one address of each family only', async () => {
    const plan = planDeployment(world, 'nothing');
    plan.zone[`A ${NAME}`] = [
      ['A', '127.0.0.1'],
      ['A', '127.0.0.2'],
    ];
    change(plan, `${NAME}:8448`, { addresses: ['127.0.0.1', '127.0.0.2'] });
    const { facts } = await world.test(plan);
    expect(facts.addresses.map(({ body }) => body?.ok === true && body.status)).toEqual([200, false]);
  });

  it('ends at the deadline of the whole test, with what there is', async () => {
    const plan = planDeployment(world, 'nothing');
    plan.options = { ...IMPATIENT, patience: { connect: 60_000, handshake: 60_000, answer: 60_000 }, total: 400 };
    change(plan, `${NAME}:8448`, { raw: () => {} });
    const { facts, verdict } = await world.test(plan);
    expect(facts.complete).toBe(false);
    expect(facts.took).toBeLessThan(3_000);
    expect(verdict.findings.map(({ id }) => id)).toEqual(['test-incomplete']);
    expect([verdict.federationOk, verdict.publicTester.federationOk]).toEqual([false, false]);
  });

  it('rejects with the reason of the caller’s signal, and with nothing else', async () => {
    const reason = new Error('the caller has gone');
    const over = AbortSignal.abort(reason);
    await expect(gatherFacts('example.com', NOBODY, { allowPrivate: true }, over)).rejects.toBe(reason);
  });

  it('keeps little of an endless document and of keys of a gigabyte', async () => {
    const plan = planDeployment(world, 'well-known');
    let sent = 0;
    const endless = (_request: unknown, response: ServerResponse): void => {
      const chunk = Buffer.alloc(65_536, ' ');
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    for (const at of Object.keys(plan.listeners)) change(plan, at, { handle: endless });
    plan.listeners[`${NAME}:8448`] = plan.listeners[`${NAME}:443`]!;
    const { facts } = await world.test(plan);
    const bodies = facts.addresses.flatMap(({ keys, version, unknown }) => [keys, version, unknown]);
    const kept = bodies.reduce((sum, outcome) => sum + (outcome?.ok === true ? outcome.body.length : 0), 0);
    expect(kept).toBeGreaterThan(60_000);
    expect(kept).toBeLessThan(200_000);
    expect(sent).toBeLessThan(30_000_000);
  });

  it('signs nothing without an identity', async () => {
    const plan = planDeployment(world, 'nothing');
    plan.options = { identity: undefined };
    const { facts, verdict } = await world.test(plan);
    expect(facts.addresses[0]!.signed).toBeUndefined();
    expect(verdict.federationOk).toBe(true);
    expect(verdict.notTested.map(({ what }) => what)).toContain('signed requests');
  });

  it('asks no address that is not public on behalf of strangers', async () => {
    const plan = planDeployment(world, 'well-known');
    plan.options = { allowPrivate: false };
    let requests = 0;
    const count = (): void => {
      requests += 1;
    };
    for (const at of Object.keys(plan.listeners)) change(plan, at, { raw: count });
    const { facts } = await world.test(plan);
    expect(requests).toBe(0);
    expect(facts.addresses.every(({ refused }) => refused !== undefined)).toBe(true);
  });
});
