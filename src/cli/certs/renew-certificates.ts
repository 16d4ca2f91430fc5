import { describeStuckStore } from '../../acme/describe-stuck-store.ts';
import type { NameSet } from '../../acme/names.ts';
import { takeRenewalRequest, writeRenewalRequest } from '../../acme/renewal-request.ts';
import { listAcmeSets } from '../../app/acme-sets.ts';
import { bad, good, type Parsed } from '../../base/parsed.ts';
import type { Store } from '../../store/store.ts';
import { awaitRenewal, lookBeforeRenewal } from './await-renewal.ts';
import { findKeeper } from './find-keeper.ts';
import { findCertificates, listNeededCertificates, type NeededCertificate } from './needed-certificates.ts';
import { type CertsContext, fail } from './open-certificate-store.ts';

/**
 * `certs renew`: asks the sidecar that looks after the certificates, in whichever process it is. With `wait` it waits
 * for what comes of it, where one is running.
 */
export async function renewCertificates(context: CertsContext, names: readonly string[], wait: boolean): Promise<void> {
  const { io, store, config } = context;
  const chosen = chooseSets(context, names);
  if (!chosen.ok) return fail(io, chosen.why);
  const sets = chosen.value;
  const keeper = await findKeeper(store);
  if (keeper.kind === 'unusable') return fail(io, describeStuckStore(keeper.why));
  const running = keeper.kind === 'present';
  const before = wait && running ? await lookBeforeRenewal(context, sets) : undefined;
  await ask(store, sets.length === listAcmeSets(config).length ? 'all' : sets.map(({ id }) => id));
  for (const set of sets) io.stdout(`Asked for a new certificate for ${set.names.join(', ')}.\n`);
  if (!running) {
    io.stdout('No sidecar is running with this store: the renewal happens when one starts.\n');
  } else if (before === undefined) {
    io.stdout("The running sidecar orders it now, as far as the CA's limits allow; `certs list` says how it went.\n");
  } else {
    await awaitRenewal(context, sets, before);
  }
}

function chooseSets({ config }: CertsContext, names: readonly string[]): Parsed<readonly NameSet[]> {
  const needed = listNeededCertificates(config);
  const all = listAcmeSets(config);
  if (names.length === 0) {
    return all.length > 0
      ? good(all)
      : bad(`No certificate of this configuration is from a CA. ${explainOther(needed[0])}`);
  }
  const chosen = new Set<string>();
  for (const name of names) {
    const found = findCertificates(needed, name);
    if (!found.ok) return found;
    const ids = found.value.flatMap(({ source }) => (source.kind === 'acme' ? [source.set.id] : []));
    if (ids.length === 0) return bad(`The certificate for ${name} is not from a CA. ${explainOther(found.value[0])}`);
    for (const id of ids) chosen.add(id);
  }
  return good(all.filter(({ id }) => chosen.has(id)));
}

/** How a certificate that no CA signs is renewed. */
function explainOther(needed: NeededCertificate | undefined): string {
  return needed?.source.kind === 'files'
    ? 'To renew it, replace its files: they are watched.'
    : "The sidecar's development CA renews it by itself.";
}

/** Adds to what was asked for and not heeded yet. */
async function ask(store: Store, sets: readonly string[] | 'all'): Promise<void> {
  const earlier = await takeRenewalRequest(store);
  const everything = sets === 'all' || earlier?.sets === 'all';
  await writeRenewalRequest(store, {
    sets: everything ? 'all' : [...new Set([...(earlier?.sets ?? []), ...sets])],
  });
}
