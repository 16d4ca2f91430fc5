/** What a web server that is not ours has to publish. */
export interface WebsiteFacts {
  /** The host name of the website. */
  readonly host: string;
  readonly documents: readonly WebsiteDocument[];
  /** `https://matrix.example.com`: where the sidecar publishes the same documents; undefined where it is not known. */
  readonly sidecar: string | undefined;
}

export interface WebsiteDocument {
  /** Begins with a slash. */
  readonly path: string;
  /** JSON, byte for byte. */
  readonly body: string;
}

/** The folder of the documents, with a slash at both ends. */
export const FOLDER = '/.well-known/matrix/';

/** Shell commands (POSIX) that write the documents below the folder in `root`, which is a shell word. */
export function renderShellFiles(documents: readonly WebsiteDocument[], root: string): string {
  return [
    `mkdir -p ${root}${FOLDER.slice(0, -1)}`,
    ...documents.map(({ path, body }) => `printf %s ${quoteShell(body)} >${root}${path}`),
  ].join('\n');
}

function quoteShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The same JSON without characters that mean something to a configuration file: they can only stand inside of strings,
 * where RFC 8259 section 7 has another way of writing them.
 */
export function escapeJson(body: string, characters: RegExp): string {
  return body.replaceAll(characters, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
