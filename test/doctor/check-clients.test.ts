import { expect, it } from 'vitest';
import { createCidrSet, parseCidr } from '../../src/base/cidr.ts';
import { checkClients } from '../../src/doctor/check-clients.ts';
import type { Deployment } from '../../src/doctor/deployment.ts';
import type { DoctorDeps } from '../../src/doctor/doctor-deps.ts';

const proxy = parseCidr('10.0.0.0/8');
if (!proxy.ok) throw new Error(proxy.why);
const deployment = { trustedProxies: createCidrSet([proxy.value]), listen: { admin: [] } } as unknown as Deployment;
const look = (status: unknown) =>
  checkClients(deployment, { status: async () => status } as unknown as DoctorDeps).run(new AbortController().signal);

it.each([
  ['a gateway for all', { connections: 20, distinct: 1, only: '172.18.0.1' }, ['clients-one-address'], undefined],
  ['too few to tell', { connections: 19, distinct: 1, only: '172.18.0.1' }, [], 'there were only 19 connections yet'],
  ['addresses of their own', { connections: 9, distinct: 8, only: null }, [], undefined],
  ['one that may well be alone', { connections: 500, distinct: 1, only: '8.8.8.8' }, [], undefined],
  ['a proxy that is trusted', { connections: 500, distinct: 1, only: '10.1.2.3' }, [], undefined],
  ['a sidecar that does not say', undefined, [], 'listen.admin is off'],
])('clients with %s', async (_, clients, ids, notChecked) => {
  const seen = await look({ clients });
  expect([seen.findings.map(({ id }) => id), seen.notChecked]).toEqual([ids, notChecked]);
});
