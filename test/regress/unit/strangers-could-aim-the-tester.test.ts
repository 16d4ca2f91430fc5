import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDnsClient } from '../../../src/base/dns.ts';
import type { HttpsExchange, HttpsRequest } from '../../../src/base/https-exchange.ts';
import { realSystem, type System } from '../../../src/base/system.ts';
import { createNames } from '../../../src/discovery/names.ts';
import { refusePrivateAddresses } from '../../../src/discovery/refuse-private.ts';
import {
  change,
  type DeploymentWorld,
  NAME,
  openDeploymentWorld,
  planDeployment,
} from '../../federation-tester/deployment.ts';
import { sendText } from '../../federation-tester/stand-in.ts';
import { startDnsServer } from '../../harness/dns-server.ts';

const signal = new AbortController().signal;

describe('who asks for a test', () => {
  it.each([
    ['1.1.1.1', 443, true],
    ['2606:4700::1111', 8448, true],
    ['1.1.1.1', 25, false],
    ['1.1.1.1', 22, false],
    ['2606:4700::1111', 993, false],
    ['::ffff:0:7f00:1', 443, false],
    ['::ffff:127.0.0.1', 443, false],
    ['64:ff9b::10.0.0.1', 443, false],
    ['fd00::1', 443, false],
  ])('gets nothing sent to a place that is not for him: %s port %i', async (address, port, allowed) => {
    const asked: string[] = [];
    const exchange: HttpsExchange = {
      async request(request: HttpsRequest) {
        asked.push(request.address);
        return { ok: false, failure: 'refused', words: '', tls: undefined, took: 0 };
      },
    };
    const request: HttpsRequest = {
      address,
      port,
      certificateName: 'a.test',
      host: 'a.test',
      method: 'GET',
      target: '/',
      maxBody: 1,
      deadline: { connect: 1, handshake: 1, total: 1 },
    };
    const outcome = await refusePrivateAddresses(exchange).request(request, { verify: false, signal });
    expect([asked.length, outcome.ok]).toEqual([allowed ? 1 : 0, false]);
  });

  it('cannot occupy the threads in which the process looks up its own names, nor read its hosts file', async () => {
    const server = await startDnsServer((_, type) => (type === 'A' ? [['A', '192.0.2.7']] : []));
    let asked = 0;
    const system: System = {
      ...realSystem,
      lookup: () => {
        asked += 1;
        return new Promise(() => {});
      },
    };
    try {
      const dns = createDnsClient({ servers: [server.address] });
      const names = createNames({ recordsOnly: true }, { system, dns });
      expect(await names.lookupHost('internal.test', signal)).toMatchObject({
        addresses: ['192.0.2.7'],
        error: undefined,
      });
      expect(asked).toBe(0);
    } finally {
      await server.close();
    }
  });
});

describe('whoever is not the server that was asked for', () => {
  let world: DeploymentWorld;
  beforeAll(async () => {
    world = await openDeploymentWorld();
  });
  afterAll(() => world.close());

  it('is sent neither twelve megabytes nor a signature, wherever DNS records of somebody else lead', async () => {
    const plan = planDeployment(world, 'nothing');
    plan.options = { largeBody: 12_000_000 };
    const seen: string[] = [];
    change(plan, `${NAME}:8448`, {
      handle(request, response) {
        seen.push(`${request.method} ${request.headers.authorization ?? ''}`.trim());
        request.resume();
        sendText(response, 200, 'text/html', '<p>a website that has nothing to do with it</p>');
      },
    });
    const { verdict } = await world.test(plan);
    expect(verdict.findings.map(({ id }) => id)).toEqual(['keys-not-json']);
    expect(new Set(seen)).toEqual(new Set(['GET']));
    expect(verdict.notTested).toEqual([]);
  });
});
