import type { WebsiteSnippet } from '../advice.ts';
import { escapeJson, FOLDER, type WebsiteFacts } from './website-facts.ts';

const CORS = '    header Access-Control-Allow-Origin *';

/** Caddy 2. */
export function describeCaddy({ host, documents, sidecar }: WebsiteFacts): WebsiteSnippet {
  const caption = `Into the block of ${host} in the Caddyfile`;
  const handlers = documents.map(({ path, body }) =>
    [`handle ${path} {`, CORS, '    header Content-Type application/json', `    respond ${quote(body)} 200`, '}'].join(
      '\n',
    ),
  );
  const redirect = [`handle ${FOLDER}* {`, CORS, `    redir ${sidecar}{uri} 302`, '}'].join('\n');
  return {
    id: 'caddy',
    title: 'Caddy',
    variants: [
      { kind: 'documents', blocks: [{ caption, format: 'caddy', text: handlers.join('\n') }] },
      ...(sidecar === undefined
        ? []
        : [{ kind: 'redirect' as const, blocks: [{ caption, format: 'caddy' as const, text: redirect }] }]),
    ],
    notes: ['caddy reload makes it live.'],
  };
}

/** Between backticks everything is literal but the backtick; `{` and a letter could begin a placeholder in a string. */
function quote(body: string): string {
  return `\`${escapeJson(body, /`|\{(?=[$A-Za-z])/g)}\``;
}
