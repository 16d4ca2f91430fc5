import { readFile } from 'node:fs/promises';
import { chooseIdentity, deriveKey } from '../../app/tester-identity.ts';
import { requireTesterSecret } from '../../app/tester-secret.ts';
import { describeError, SidecarError } from '../../base/errors.ts';
import type { System } from '../../base/system.ts';
import type { Identity } from '../../federation-tester/identity.ts';
import { decodeBase64 } from '../../matrix/base64.ts';
import { buildKeyDocument } from '../../matrix/key-document.ts';
import { parseServerName, type ServerName } from '../../matrix/server-name.ts';
import { createSigningKey, type SigningKey } from '../../matrix/signing.ts';
import { createStore } from '../../store/open-store.ts';
import { createStderrLog } from '../certs/open-certificate-store.ts';
import type { CliIo } from '../io.ts';
import { readConfigOrReport } from '../read-config.ts';
import type { CheckRequest } from './check-request.ts';

interface Deps {
  readonly io: CliIo;
  readonly system: System;
}

type SignAs = CheckRequest['signAs'];

/** Milliseconds that a key document may be used which this process writes, and nobody gets. */
const VALIDITY = 7_200_000;

/** Who signs. Rejects with a SidecarError when nobody can. */
export async function openSigner(signAs: SignAs, deps: Deps): Promise<Identity | undefined> {
  switch (signAs.kind) {
    case 'nobody':
      return undefined;
    case 'key':
      return signWithKey(signAs, deps);
    case 'sidecar':
      return signAsSidecar(signAs.config, deps);
  }
}

/** Somebody else publishes the keys, and does not tell us who asks for them. */
function createSigner(serverName: ServerName, key: SigningKey, system: System): Identity {
  return {
    serverName,
    key,
    publish: () => buildKeyDocument(serverName.text, key, system.now() + VALIDITY),
    keyFetches: () => undefined,
  };
}

function refuse(what: string, hint: string, cause?: unknown): SidecarError {
  return new SidecarError(what, { code: 'tester-identity', blame: 'operator', hint, cause });
}

async function signWithKey(
  { serverName, file }: Extract<SignAs, { readonly kind: 'key' }>,
  { system }: Deps,
): Promise<Identity> {
  const name = parseServerName(serverName);
  if (!name.ok) throw refuse(`--identity: ${name.why}.`, 'Give the server name whose key it is.');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const hint = 'Give the file that signing_key_path in homeserver.yaml names.';
    throw refuse(`--key ${file} cannot be read: ${describeError(error)}.`, hint, error);
  }
  return createSigner(name.value, readSigningKey(text, file), system);
}

/** Reads Synapse's form: `ed25519 a_abcd` and the seed in unpadded Base64, the first line counts. */
function readSigningKey(text: string, file: string): SigningKey {
  const [, version = '', written = ''] =
    /^ed25519\s+([A-Za-z0-9_]{1,255})\s+([A-Za-z0-9+/]{43})=?\s*$/m.exec(text) ?? [];
  const seed = decodeBase64(written);
  if (!seed.ok || seed.value.length !== 32) {
    const hint = 'The file has one line: ed25519, the version of the key, and 43 characters of Base64.';
    throw refuse(`--key ${file} has no signing key in it.`, hint);
  }
  return createSigningKey(`ed25519:${version}`, seed.value);
}

async function signAsSidecar(file: string | undefined, { io, system }: Deps): Promise<Identity> {
  const config = readConfigOrReport(io, file);
  if (config === undefined)
    throw refuse('--sign needs a configuration without errors.', 'Correct it, or leave out --sign.');
  const name = chooseIdentity(config);
  if (name === undefined) {
    const hint = 'Sign as your homeserver: --identity SERVER_NAME --key SIGNING_KEY_FILE.';
    throw refuse('--sign: this sidecar has no name to sign with, since its federation is at no usual port.', hint);
  }
  const store = await createStore(config.store, { system, log: createStderrLog(io) });
  try {
    return createSigner(name, deriveKey(await requireTesterSecret(store, system), system.now()), system);
  } finally {
    await store.close();
  }
}
