import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limitsOfCa } from '../../../src/acme/ca-limits.ts';
import { gatherPreflight } from '../../../src/acme/gather-preflight.ts';
import { emptyLedger } from '../../../src/acme/ledger.ts';
import { judgePreflight } from '../../../src/acme/preflight.ts';
import { createDnsClient } from '../../../src/base/dns.ts';
import { realSystem } from '../../../src/base/system.ts';
import { createFileStore } from '../../../src/store/files.ts';
import { setOf } from '../../acme/keeper-life.ts';
import { NEVER, type OpenedCa, openCa } from '../../acme/open-ca.ts';
import { startDnsServer, type TestDnsServer } from '../../harness/dns-server.ts';

let folder: string;
let opened: OpenedCa;
let dns: TestDnsServer;
let caa: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-preflight-'));
  opened = await openCa({ caaIdentities: ['ca.example.net'] });
  dns = await startDnsServer((name, type) => {
    if (type === 'A') return [['A', '127.0.0.1']];
    return type === 'CAA' && name === 'example.com' ? [['CAA', `0 issue ${caa}`]] : [];
  });
});
afterEach(async () => {
  await opened.close();
  await dns.close();
  await rm(folder, { recursive: true, force: true });
});

async function judge(ca = opened.ca) {
  const facts = await gatherPreflight(
    setOf('example.com'),
    { ca, folder: 'ca', limits: limitsOfCa(opened.scripted.directoryUrl) },
    {
      challenges: ['http-01'],
      profile: undefined,
      hasStaging: true,
      listeners: { http: true, https: true },
      store: { name: folder, inContainer: false, onVolume: true, host: 'here' },
    },
    {
      system: realSystem,
      dns: createDnsClient({ servers: [dns.address] }),
      store: createFileStore(folder),
      loopBack: { probe: async () => ({ kind: 'skipped' }), answer: () => undefined },
      ledger: emptyLedger(),
      clock: { ahead: () => 0 },
    },
    NEVER,
  );
  return judgePreflight(facts);
}

describe('a CAA record that names an account', () => {
  it('lets that account order, also the first time after a restart', async () => {
    const { url } = await opened.ca.account(NEVER);
    caa = `ca.example.net; accounturi=${url}`;
    expect(await judge()).toMatchObject({ do: 'order', findings: [] });
    expect(await judge(opened.again())).toMatchObject({ do: 'order', findings: [] });
  });

  it('forbids an order of another account, and says which is ours', async () => {
    const { url } = await opened.ca.account(NEVER);
    caa = 'ca.example.net; accounturi=https://ca.example.net/acct/other';
    const { do: verdict, findings } = await judge();
    expect([verdict, findings[0]?.id]).toEqual(['veto', 'caa-forbids']);
    expect(findings[0]?.what).toContain(`ours is ${url}`);
    expect(findings[0]?.fix).toContain(`accounturi=${url}`);
  });

  it('forbids orders while there is none of ours, and makes none for asking', async () => {
    caa = 'ca.example.net; accounturi=https://ca.example.net/acct/other';
    const { do: verdict, findings } = await judge();
    expect(verdict).toBe('veto');
    expect(findings[0]?.what).toContain('there is none of ours yet');
    expect(findings[0]?.fix).not.toContain('for this account only');
    expect(opened.scripted.orders.accounts).toHaveLength(0);
  });
});
