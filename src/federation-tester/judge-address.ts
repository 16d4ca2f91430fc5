import type { Resolution } from '../discovery/resolution.ts';
import type { AddressFacts } from './facts.ts';
import { isFederationThere, judgeAnswers } from './judge-answers.ts';
import { isDead } from './judge-connections.ts';
import { judgeKeys } from './judge-keys.ts';
import { judgeRequests } from './judge-requests.ts';
import { judgeTls } from './judge-tls.ts';
import { areKeysGood, readKeys } from './read-keys.ts';
import type { Policy, Remark } from './verdict.ts';

/** Everything about one address that took the connection. `alone`: all addresses show the same keys. */
export function* judgeAddress(
  about: AddressFacts,
  resolution: Resolution,
  policy: Policy,
  now: number,
  alone: boolean,
): Generator<Remark> {
  if (about.keys === undefined || isDead(about)) return;
  const ofKeys = [...judgeKeys(about.keys, resolution.serverName.text, now)];
  // Another server's certificate is no wonder where another server is.
  const isOther = ({ id }: Remark): boolean => id === 'keys-wrong-server';
  yield* ofKeys.filter(isOther);
  yield* judgeTls(about, resolution, policy, now);
  yield* ofKeys.filter((remark) => !isOther(remark));
  const name = resolution.serverName.text;
  const keys = readKeys(about.keys, name);
  if (keys === undefined) return;
  yield* judgeAnswers(about);
  yield* judgeRequests(about, alone && areKeysGood(keys, name, now));
}

/** The positive proof: a trusted certificate, this server's keys in order, and a federation API behind them. */
export function isGood(about: AddressFacts, resolution: Resolution, now: number): boolean {
  const name = resolution.serverName.text;
  return (
    about.tls !== undefined &&
    about.tls.untrusted === undefined &&
    areKeysGood(readKeys(about.keys, name), name, now) &&
    isFederationThere(about)
  );
}
