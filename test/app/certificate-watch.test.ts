import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOTHING_SAID, type Said } from '../../src/app/announced.ts';
import type { Matter } from '../../src/app/announcer.ts';
import { type CertificateOutlook, listOutlooks } from '../../src/app/certificate-outlook.ts';
import { type CertificateWatch, createCertificateWatch } from '../../src/app/certificate-watch.ts';
import type { Warning } from '../../src/observe/warning-message.ts';
import type { Certificate } from '../../src/tls/certificate.ts';
import { DAY, makeCertificate, makeEcCertificate, read } from '../tls/make-certificate.ts';
import { createManualSystem, type ManualSystem } from '../tls/manual-system.ts';
import { createRecordingLog, type RecordingLog } from '../tls/recording-log.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const root = makeCertificate({ commonName: 'root', ca: true });

let system: ManualSystem;
let log: RecordingLog;
let served: Certificate;
let unsettled: boolean;
let posted: Warning[];
let said: Said;
let watch: CertificateWatch;

function certificate(from: number, to: number): Certificate {
  const made = makeEcCertificate(['a.test'], root, 'P-256', { notBefore: NOW + from * DAY, notAfter: NOW + to * DAY });
  return { ...read(made), origin: '/a.pem' };
}

/** As announcers do it, but at once, and with a memory in place of the store. */
const board = {
  put(_watch: string, matters: readonly Matter[]): void {
    for (const matter of matters) {
      const assessed = matter.assess(said);
      said = assessed.said;
      posted.push(...assessed.warnings);
    }
  },
};

beforeEach(() => {
  system = createManualSystem(NOW);
  log = createRecordingLog();
  served = certificate(0, 60);
  unsettled = false;
  posted = [];
  said = NOTHING_SAID;
  const outlooks = (): CertificateOutlook[] =>
    listOutlooks([served], [], system.now()).map((one) => ({ ...one, unsettled }));
  watch = createCertificateWatch({ system, log, outlooks, board });
});
afterEach(() => watch.close());

const told = (): string[] => posted.map(({ event, level }) => `${event} ${level}`);
/** The clock stands still but for jumps, so that a month is no ten thousand looks. */
async function look(day: number): Promise<void> {
  const ahead = NOW + day * DAY - system.now();
  watch.close();
  await system.advance(ahead);
  watch = createCertificateWatch({
    ...{ system, log, board },
    outlooks: () => listOutlooks([served], [], system.now()).map((one) => ({ ...one, unsettled })),
  });
  watch.look();
}

describe('whoever watches certificates', () => {
  it('looks by itself, and to the second when it gets worse', async () => {
    served = certificate(-50, 10);
    await system.advance(14_999);
    expect(told()).toEqual([]);
    await system.advance(2);
    expect(told()).toEqual(['began at-risk']);
    served = { ...certificate(-56, 1), notAfter: NOW + 75_000 };
    watch.look();
    await system.advance(59_998);
    expect(told()).toEqual(['began at-risk', 'began emergency']);
    await system.advance(2);
    expect(told()).toEqual(['began at-risk', 'began emergency', 'began expired']);
    const first = log.lines.findIndex((line) => line.includes('expires in'));
    expect(log.lines.map((line) => line.split(' ')[0])).toEqual(['warn', 'error', 'error']);
    expect(log.lines[first]).toContain('is not renewed. It comes from /a.pem, which the sidecar does not renew');
  });

  it('tells the webhook of each level once, also over restarts, and that it is over', async () => {
    for (const day of [1, 49, 51, 52, 56, 58, 59, 61, 62]) await look(day);
    served = certificate(62, 122);
    await look(62);
    await look(63);
    expect(told()).toEqual(['began at-risk', 'began emergency', 'began expired', 'over expired']);
    expect(posted[0]).toEqual({
      about: 'certificate',
      event: 'began',
      level: 'at-risk',
      names: ['a.test'],
      message: expect.stringMatching(/^The certificate for a\.test expires in 9 days/),
      expires: NOW + 60 * DAY,
      nextAttempt: undefined,
      why: expect.stringContaining('does not renew'),
    });
    expect(posted.at(-1)).toMatchObject({ expires: NOW + 122 * DAY, why: undefined });
  });

  it('has the log of each process hear of it, but not again and again', async () => {
    await look(51);
    watch.look();
    watch.look();
    expect(log.at('warn')).toHaveLength(1);
    await look(52);
    expect(log.at('warn')).toHaveLength(2);
  });

  it('waits with its words while more will be known soon, and says at once when it is', async () => {
    served = certificate(-50, 10);
    unsettled = true;
    await system.advance(60_000);
    expect([told(), log.lines]).toEqual([[], []]);
    unsettled = false;
    await system.advance(30_000);
    expect(told()).toEqual(['began at-risk']);
    expect(log.lines).toHaveLength(1);
  });

  it('does not wait for ever, because whoever would know may not be there', async () => {
    served = certificate(-50, 10);
    unsettled = true;
    await system.advance(14 * 60_000);
    expect(told()).toEqual([]);
    await system.advance(2 * 60_000);
    expect(told()).toEqual(['began at-risk']);
  });

  it('says nothing after it was closed', async () => {
    served = certificate(-50, 10);
    watch.close();
    watch.look();
    await system.advance(20 * 60_000);
    expect([log.lines, told()]).toEqual([[], []]);
    expect(system.pending()).toBe(0);
  });
});
