import type { RuleInput } from './server-rules.ts';
import { type ReadFile, readSecretFile } from './variables.ts';

/** Reads the files that hold PKCS#12 passwords; gives them by the path as written. */
export function readPasswords(
  { draft, report }: RuleInput,
  resolve: (path: string) => string,
  readFile: ReadFile,
): ReadonlyMap<string, string> {
  const passwords = new Map<string, string>();
  (draft.servers ?? []).forEach((server, index) => {
    for (const key of ['certificate', 'federation_certificate'] as const) {
      const file = server?.[key]?.password_file;
      if (file === undefined) continue;
      const content = readSecretFile(resolve(file), readFile);
      if (content.ok) passwords.set(file, content.text);
      else {
        const path = ['servers', index, key, 'password_file'];
        report({ path, at: 'value', what: `the file ${file} ${content.why}`, fix: content.fix });
      }
    }
  });
  return passwords;
}
