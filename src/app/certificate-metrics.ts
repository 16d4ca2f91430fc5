import type { CertificateLevel } from '../admin/status.ts';
import { VERSION } from '../base/version.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ActiveWarning } from './announcer.ts';
import { type CertificateOutlook, keepWorst } from './certificate-outlook.ts';

/** As documented in the table of metrics. */
const LEVELS: Readonly<Record<CertificateLevel, number>> = {
  ok: 0,
  'at-risk': 1,
  emergency: 2,
  expired: 3,
  missing: 4,
};

/** Always there, so that a rule can go by zero. */
const ABOUT = ['certificate', 'homeserver', 'federation', 'apex'];

type CertificateGauge =
  | 'certificateExpiry'
  | 'certificateRisk'
  | 'certificateLastResult'
  | 'certificateLastAttempt'
  | 'certificateNextAttempt';

export interface SidecarFacts {
  outlooks(): readonly CertificateOutlook[];
  isStopping(): boolean;
  warnings(): readonly Pick<ActiveWarning, 'about'>[];
}

/** Shows in the metrics which release this is, and what is to be expected of each certificate. */
export function exposeSidecar(metrics: Metrics, deps: SidecarFacts): void {
  metrics.gauge('build', () => [{ labels: { version: VERSION, node: process.versions.node }, value: 1 }]);
  metrics.gauge('processes', () => [{ labels: { state: deps.isStopping() ? 'draining' : 'serving' }, value: 1 }]);
  metrics.gauge('warnings', () =>
    ABOUT.map((about) => ({
      labels: { about },
      value: deps.warnings().filter((one) => one.about === about).length,
    })),
  );
  /** A sample for each certificate that `value` knows something of. */
  const expose = (id: CertificateGauge, value: (outlook: CertificateOutlook) => number | undefined): void =>
    metrics.gauge(id, () =>
      keepWorst(deps.outlooks()).flatMap((outlook) => {
        const known = value(outlook);
        return known === undefined ? [] : [{ labels: { names: outlook.names.join(',') }, value: known }];
      }),
    );
  expose('certificateExpiry', ({ level, certificate }) =>
    level === 'missing' ? undefined : toSeconds(certificate.notAfter),
  );
  expose('certificateRisk', ({ level }) => LEVELS[level]);
  expose('certificateLastResult', ({ last }) => (last === undefined ? undefined : Number(last.ok)));
  expose('certificateLastAttempt', ({ last }) => toSeconds(last?.at));
  expose('certificateNextAttempt', ({ next }) => toSeconds(next?.at));
}

function toSeconds(at: number | undefined): number | undefined {
  return at === undefined ? undefined : at / 1000;
}
