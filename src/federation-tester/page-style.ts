/**
 * What the pages of the admin listener look like, all of them. Colours come in pairs of text and ground, each with a contrast
 * of at least 4.5 to 1 in both schemes (a test computes it).
 */
export const BASE_STYLE = `
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
a:focus-visible, button:focus-visible, input:focus-visible, summary:focus-visible, [tabindex]:focus-visible {
  outline: 3px solid var(--link); outline-offset: 2px;
}
.top { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; margin-bottom: 1rem; }
.top h1 { margin: 0; }
.top nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
.top a[aria-current] { color: var(--text); font-weight: 600; text-decoration: none; }
code, pre, .place { font-family: ui-monospace, monospace; font-size: .9rem; }
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
.badge { padding: .1rem .6rem; font-size: .85rem; font-weight: 700; border: 1px solid; border-radius: 1rem; }
.badge.bad { border-radius: .2rem; }
.faint { color: var(--faint); }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--edge); font-size: .9rem; }
`;
