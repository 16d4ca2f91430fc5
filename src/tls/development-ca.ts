import { createHash, generateKeyPair } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { Certificate } from './certificate.ts';
import { isIssuedBy } from './chain.ts';
import { type Authority, BACKDATED, createAuthority, parseAuthority } from './development-root.ts';
import { parsePemCertificate } from './pem-certificate.ts';
import { canonicalAddress } from './subject-alt-name.ts';

/** The part of a store that this needs; `src/store/store.ts` has the promises. */
export interface DevelopmentCaStore {
  read(key: string): Promise<Buffer | undefined>;
  write(key: string, bytes: Uint8Array): Promise<void>;
  where(key: string): string;
}

/** A certificate authority for one machine or one private federation, kept in the store. Nobody trusts it unasked. */
export interface DevelopmentCa {
  /** The root's certificate as PEM, for those who shall trust it. Makes the CA when there is none yet. */
  caPem(): Promise<string>;
  /**
   * A certificate for host names, wildcards, `localhost` and address literals: at least one. The stored one as long as
   * it has these names, more than a third of its life before it, and this CA's signature; else a new one.
   */
  issue(names: readonly string[]): Promise<Certificate>;
}

/** Root certificate and key, together so that they are always a pair. */
export const ROOT_KEY = 'development-ca/root-with-key.pem';
/** The root certificate alone, to hand to clients. Only a copy: nothing reads it. */
export const ROOT_COPY_KEY = 'development-ca/root.pem';
/** What it has issued is below this. */
export const LEAF_FOLDER = 'development-ca/leafs';

const DAY = 86_400_000;
const LEAF_LIFETIME = 90 * DAY;
/** `Certificate.origin` of its certificates. */
export const DEVELOPMENT_CA_ORIGIN = 'development CA';
const makeKeyPair = promisify(generateKeyPair);

/** From when on a certificate of this CA is replaced: a third of its life is left. Milliseconds since the epoch. */
export function renewalTime(certificate: Certificate): number {
  return certificate.notAfter - (certificate.notAfter - certificate.notBefore) / 3;
}

/** Nothing is read or made before the first call. A CA in the store that cannot be read is an error, and stays. */
export function createDevelopmentCa(
  slice: { readonly store: DevelopmentCaStore },
  deps: { readonly system: System },
): DevelopmentCa {
  const { store } = slice;
  const { system } = deps;
  let authority: Promise<Authority> | undefined;
  const issuing = new Map<string, Promise<Certificate>>();

  async function loadOrCreate(): Promise<Authority> {
    let stored = await store.read(ROOT_KEY);
    if (stored === undefined) {
      await store.write(ROOT_KEY, Buffer.from(await createAuthority(system)));
      // Read again: of several processes that share the store and began together, the last to write has made the CA.
      stored = (await store.read(ROOT_KEY)) ?? Buffer.alloc(0);
    }
    const present = parseAuthority(stored, store.where(ROOT_KEY), system.now());
    const copy = Buffer.from(present.root.toString());
    if (!copy.equals((await store.read(ROOT_COPY_KEY)) ?? Buffer.alloc(0))) await store.write(ROOT_COPY_KEY, copy);
    return present;
  }

  function present(): Promise<Authority> {
    // A failure is forgotten: the disk may have space again the next time.
    authority ??= loadOrCreate().catch((error: unknown) => {
      authority = undefined;
      throw error;
    });
    return authority;
  }

  async function issueOrReuse(names: readonly string[], key: string): Promise<Certificate> {
    const signer = await present();
    const stored = await readLeaf(key);
    if (
      stored !== undefined &&
      sameNames(stored, names) &&
      system.now() >= stored.notBefore &&
      system.now() < renewalTime(stored) &&
      isIssuedBy(stored.leaf, signer.root)
    ) {
      return stored;
    }
    const { publicKey, privateKey } = await makeKeyPair('ec', { namedCurve: 'P-256' });
    const now = system.now();
    const request = {
      commonName: 'matrix-sidecar development certificate',
      serial: system.randomBytes(16),
      notBefore: now - BACKDATED,
      notAfter: Math.min(now + LEAF_LIFETIME, signer.root.validToDate.getTime()),
      publicKey,
    };
    // Loaded when it is needed, with node-forge: seldom, and it takes a tenth of the time to start.
    const { signLeaf } = await import('./sign-certificate.ts');
    const leaf = signLeaf(request, names, signer).toString();
    const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const made = parsePemCertificate(leaf, keyPem, DEVELOPMENT_CA_ORIGIN);
    await store.write(key, Buffer.from(leaf + keyPem));
    return made;
  }

  async function readLeaf(key: string): Promise<Certificate | undefined> {
    const pem = (await store.read(key))?.toString('utf8');
    try {
      return pem === undefined ? undefined : parsePemCertificate(pem, pem, DEVELOPMENT_CA_ORIGIN);
    } catch {
      // Unlike the CA, a leaf can be made again at any time and nobody notices.
      return undefined;
    }
  }

  return {
    async caPem() {
      return (await present()).root.toString();
    },
    async issue(names) {
      const wanted = canonicalNames(names);
      const hash = createHash('sha256').update(wanted.join('\n')).digest('hex').slice(0, 32);
      const key = `${LEAF_FOLDER}/${hash}.pem`;
      let work = issuing.get(key);
      if (work === undefined) {
        work = issueOrReuse(wanted, key).finally(() => issuing.delete(key));
        issuing.set(key, work);
      }
      return work;
    },
  };
}

function canonicalNames(names: readonly string[]): string[] {
  const canonical = names.map((name) => (isIP(name) === 0 ? name.toLowerCase() : canonicalAddress(name)));
  const distinct = [...new Set(canonical)].sort();
  if (distinct.length === 0 || distinct.some((name) => !/^(\*\.)?[a-z0-9._:-]{1,253}$/.test(name))) {
    throw new SidecarError(`The development CA cannot make a certificate for ${JSON.stringify(names)}.`, {
      code: 'development-ca-names',
      blame: 'us',
    });
  }
  return distinct;
}

function sameNames(certificate: Certificate, names: readonly string[]): boolean {
  const has = [...certificate.dnsNames, ...certificate.ipAddresses].sort();
  return has.length === names.length && has.every((name, index) => name === names[index]);
}
