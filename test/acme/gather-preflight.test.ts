import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limitsOfCa } from '../../src/acme/ca-limits.ts';
import { gatherPreflight } from '../../src/acme/gather-preflight.ts';
import { emptyLedger } from '../../src/acme/ledger.ts';
import { createDnsClient } from '../../src/base/dns.ts';
import { realSystem } from '../../src/base/system.ts';
import { createFileStore } from '../../src/store/files.ts';
import { setOf } from './keeper-life.ts';
import { NEVER, type OpenedCa, openCa } from './open-ca.ts';

let folder: string;
let opened: OpenedCa;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-preflight-'));
  opened = await openCa();
});
afterEach(async () => {
  await opened.close();
  await rm(folder, { recursive: true, force: true });
});

/** What is found out for an address, which needs no DNS, in a container of this name. */
function gather(host: string, clockAhead?: number) {
  const ca = { ca: opened.ca, folder: 'ca', limits: limitsOfCa(opened.scripted.directoryUrl) };
  const store = { name: folder, inContainer: true, onVolume: false, host };
  return gatherPreflight(
    setOf('192.0.2.1'),
    ca,
    { challenges: ['http-01'], profile: undefined, hasStaging: true, listeners: { http: true, https: true }, store },
    {
      system: realSystem,
      dns: createDnsClient({ servers: ['127.0.0.1:9'] }),
      store: createFileStore(folder),
      loopBack: { probe: async () => ({ kind: 'skipped' }), answer: () => undefined },
      ledger: emptyLedger(),
      clock: { ahead: () => clockAhead },
    },
    NEVER,
  );
}

describe('what is found out before an order', () => {
  it('a marker of this very container is no sign that the store survives it; one of another is', async () => {
    const found = async (host: string) => (await gather(host)).store.markerFound;
    expect([await found('c0ffee'), await found('c0ffee'), await found('deadbeef')]).toEqual([false, false, true]);
  });

  it('has the error of the clock, and the names of the CA from its directory', async () => {
    const { ca } = await gather('c0ffee', 7_200_000);
    expect(ca).toMatchObject({ clockAhead: 7_200_000, caaIdentities: [], isPublic: false });
  });
});
