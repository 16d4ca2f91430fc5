import type { WebsiteSnippet } from '../advice.ts';
import { escapeJson, FOLDER, type WebsiteFacts } from './website-facts.ts';

/** nginx. An exact or `^~` location comes before those that refuse whatever begins with a dot. */
export function describeNginx({ host, documents, sidecar }: WebsiteFacts): WebsiteSnippet {
  const caption = `Into the server block of https://${host}`;
  const locations = documents.map(({ path, body }) =>
    [
      `location = ${path} {`,
      '    default_type application/json;',
      '    add_header Access-Control-Allow-Origin "*" always;',
      `    return 200 ${quote(body)};`,
      '}',
    ].join('\n'),
  );
  const redirect = [
    `location ^~ ${FOLDER} {`,
    '    add_header Access-Control-Allow-Origin "*" always;',
    `    return 302 ${sidecar}$request_uri;`,
    '}',
  ].join('\n');
  return {
    id: 'nginx',
    title: 'nginx',
    variants: [
      { kind: 'documents', blocks: [{ caption, format: 'nginx', text: locations.join('\n') }] },
      ...(sidecar === undefined
        ? []
        : [{ kind: 'redirect' as const, blocks: [{ caption, format: 'nginx' as const, text: redirect }] }]),
    ],
    notes: ['nginx -t && systemctl reload nginx makes it live.'],
  };
}

/** nginx takes `$` for the beginning of a variable, also in quotes, and a backslash for that of an escape. */
function quote(body: string): string {
  return `'${escapeJson(body, /[$]/g).replaceAll(/['\\]/g, '\\$&')}'`;
}
