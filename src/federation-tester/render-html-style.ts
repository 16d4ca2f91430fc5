import { createHash } from 'node:crypto';
import { BASE_STYLE } from './page-style.ts';

/** The tester page's only style sheet; it stands in the page. */
export const STYLE = `${BASE_STYLE}form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-bottom: 1.5rem; }
label { flex: 1 1 12rem; font-weight: 600; }
label .faint { display: block; font-weight: 400; font-size: .9rem; }
input {
  display: block; width: 100%; margin-top: .25rem; padding: .6rem .75rem; font: inherit; font-weight: 400;
  color: var(--text); background: var(--ground); border: 1px solid var(--edge); border-radius: .4rem;
}
button {
  padding: .6rem 1.25rem; font: inherit; font-weight: 600; color: var(--ground); background: var(--link);
  border: 1px solid var(--link); border-radius: .4rem; cursor: pointer;
}
.next { padding: .75rem 1rem; border-left: 4px solid var(--link); background: var(--panel); }
.finding { margin: .75rem 0; padding: 1rem; border: 1px solid var(--edge); border-radius: .6rem; }
.finding h4 { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.finding ul { margin: .5rem 0; padding-left: 1.25rem; }
pre {
  margin: .5rem 0 0; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--panel); border: 1px solid var(--edge); border-radius: .4rem;
}
.places, .steps { margin: 0; padding: 0; list-style: none; }
.places li { display: flex; gap: .75rem; align-items: start; padding: .5rem 0; }
.places p, .steps p { margin: 0; }
.steps li { display: grid; grid-template-columns: 2.25rem 1fr; gap: .5rem; padding: .15rem 0; }
`;

/** The Content-Security-Policy of the tester's page: this style sheet, a form to the page itself, and nothing else. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');
