import { createHash } from 'node:crypto';

/**
 * The page's only style sheet; it stands in the page. Colours come in pairs of text and ground, each with a contrast of at
 * least 4.5 to 1 in both schemes (a test computes it).
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1b1f24; --ground: #ffffff; --faint: #57606a; --edge: #8c959f; --panel: #f6f8fa; --link: #0550ae;
  --good: #116329; --good-ground: #dafbe1; --bad: #a40e26; --bad-ground: #ffebe9;
  --warn: #6b4400; --warn-ground: #fff3c4; --unknown: #3d444d; --unknown-ground: #eaeef2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --ground: #0d1117; --faint: #9da7b3; --edge: #6e7681; --panel: #161b22; --link: #79c0ff;
    --good: #7ee787; --good-ground: #12261e; --bad: #ffa198; --bad-ground: #2d1417;
    --warn: #f2cc60; --warn-ground: #2a2310; --unknown: #c9d1d9; --unknown-ground: #21262d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 52rem; color: var(--text); background: var(--ground);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
h4 { font-size: 1rem; margin: 0; }
p { margin: .5rem 0; }
a { color: var(--link); }
code, pre, .place { font-family: ui-monospace, monospace; font-size: .9rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-bottom: 1.5rem; }
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
input:focus-visible, button:focus-visible, a:focus-visible {
  outline: 3px solid var(--link); outline-offset: 2px;
}
.verdict { display: flex; gap: .9rem; align-items: start; padding: 1rem; border: 2px solid; border-radius: .6rem; }
.verdict .word { margin: 0 0 .15rem; font-weight: 700; }
.mark {
  flex: none; display: inline-grid; place-items: center; width: 2.4rem; height: 2.4rem; font-weight: 700; font-size: 1.3rem;
  border: 2px solid; border-radius: 50%;
}
.mark.bad { border-radius: .2rem; }
.mark.warn { border-radius: .2rem .2rem 1.2rem 1.2rem; }
.mark.small { width: 1.5rem; height: 1.5rem; font-size: .9rem; }
.good { color: var(--good); background: var(--good-ground); }
.bad { color: var(--bad); background: var(--bad-ground); }
.warn { color: var(--warn); background: var(--warn-ground); }
.unknown { color: var(--unknown); background: var(--unknown-ground); }
.verdict h2 { color: var(--text); }
.next { padding: .75rem 1rem; border-left: 4px solid var(--link); background: var(--panel); }
.finding { margin: .75rem 0; padding: 1rem; border: 1px solid var(--edge); border-radius: .6rem; }
.finding h4 { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.badge { padding: .1rem .6rem; font-size: .85rem; font-weight: 700; border: 1px solid; border-radius: 1rem; }
.badge.bad { border-radius: .2rem; }
.finding ul { margin: .5rem 0; padding-left: 1.25rem; }
pre {
  margin: .5rem 0 0; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--panel); border: 1px solid var(--edge); border-radius: .4rem;
}
.faint { color: var(--faint); }
.places, .steps { margin: 0; padding: 0; list-style: none; }
.places li { display: flex; gap: .75rem; align-items: start; padding: .5rem 0; }
.places p, .steps p { margin: 0; }
.steps li { display: grid; grid-template-columns: 2.25rem 1fr; gap: .5rem; padding: .15rem 0; }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--edge); font-size: .9rem; }
`;

/** The Content-Security-Policy of the page: this style sheet, a form to the page itself, and nothing else. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');
