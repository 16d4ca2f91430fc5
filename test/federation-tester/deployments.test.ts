import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeploymentWorld, openDeploymentWorld, planDeployment } from './deployment.ts';
import { DNS_AND_SRV, HEALTHY, type Row, WELL_KNOWN } from './deployments-dns.ts';
import { ODD_BUT_HEALTHY, ODDLY_BROKEN } from './deployments-odd.ts';
import { ADDRESSES, REQUESTS, TLS_AND_KEYS } from './deployments-server.ts';

let world: DeploymentWorld;
beforeAll(async () => {
  world = await openDeploymentWorld();
});
afterAll(() => world.close());

async function hold(row: Row): Promise<void> {
  const plan = planDeployment(world, row.by);
  row.breakIt?.(plan, world);
  const { verdict, facts } = await world.test(plan);
  const seen = { finds: verdict.findings.map(({ id }) => id).sort(), works: verdict.federationOk };
  const context = JSON.stringify([verdict, facts.resolution?.trace], null, 1);
  expect(seen, context).toEqual({ finds: [...row.finds].sort(), works: row.works });
  expect(verdict.firstLine, context).toContain(row.works ? 'works' : 'does not work');
  if (row.finds.length === 0) return;
  expect(verdict.lastLine).toMatch(/^To do: ./);
  // Nobody reads the last line for what a word in another line stands for.
  expect(verdict.lastLine).not.toMatch(/^To do: \w+ (it|them|one|that|this|these|those)\b/);
}

const rows = (list: readonly Row[]) => list.filter(({ unless }) => unless !== true);

describe('a healthy deployment has no finding', () => {
  it.each(rows(HEALTHY))('$name', hold);
  it.each(rows(ODD_BUT_HEALTHY))('$name', hold);
});
describe('what is wrong in the DNS is found', () => {
  it.each(rows(DNS_AND_SRV))('$name', hold);
});
describe('what is wrong with the well-known document is found', () => {
  it.each(rows(WELL_KNOWN))('$name', hold);
});
describe('what is wrong with addresses and ports is found', () => {
  it.each(rows(ADDRESSES))('$name', hold);
});
describe('what is wrong with certificates and keys is found', () => {
  it.each(rows(TLS_AND_KEYS))('$name', hold);
});
describe('what a proxy does to requests is found', () => {
  it.each(rows(REQUESTS))('$name', hold);
});
describe('what is wrong is found where more than one thing is odd', () => {
  it.each(rows(ODDLY_BROKEN))('$name', hold);
});
