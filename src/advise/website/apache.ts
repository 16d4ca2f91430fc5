import type { WebsiteSnippet } from '../advice.ts';
import { FOLDER, renderShellFiles, type WebsiteFacts } from './website-facts.ts';

const CORS = '    Header always set Access-Control-Allow-Origin "*"';

/** Apache httpd 2.4 with mod_headers and mod_alias. */
export function describeApache({ host, documents, sidecar }: WebsiteFacts): WebsiteSnippet {
  const caption = `Into the VirtualHost of https://${host}`;
  const served = [`<Location "${FOLDER}">`, '    ForceType application/json', CORS, '</Location>'].join('\n');
  const redirect = [
    `Redirect 302 "${FOLDER}" "${sidecar}${FOLDER}"`,
    `<Location "${FOLDER}">`,
    CORS,
    '</Location>',
  ].join('\n');
  const root = '/var/www/html';
  return {
    id: 'apache',
    title: 'Apache httpd',
    variants: [
      {
        kind: 'documents',
        blocks: [
          {
            caption: `The files; ${root} stands for the DocumentRoot`,
            format: 'shell',
            text: renderShellFiles(documents, root),
          },
          { caption, format: 'apache', text: served },
        ],
      },
      ...(sidecar === undefined
        ? []
        : [{ kind: 'redirect' as const, blocks: [{ caption, format: 'apache' as const, text: redirect }] }]),
    ],
    notes: ['a2enmod headers && apachectl graceful makes it live (Debian).'],
  };
}
