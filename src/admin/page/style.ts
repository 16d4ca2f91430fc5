import { BASE_STYLE } from '../../federation-tester/page-style.ts';

/** The status page's only style sheet; it stands in the page. */
export const STYLE = `${BASE_STYLE}body { max-width: 84rem; font-size: .95rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
.top { justify-content: space-between; }
h3 { margin: 0 0 .6rem; }
section { margin-top: 1.75rem; }
.verdict p { margin: 0; }
.verdict ul { margin: .5rem 0 0; padding-left: 1.1rem; color: var(--text); }
#stale { margin-bottom: 1rem; padding: .6rem 1rem; border: 2px dashed; border-radius: .6rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1px; margin: 1rem 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; }
.figures div { padding: .6rem .9rem; background: var(--ground); }
.figures dt { font-size: .85rem; color: var(--faint); }
.figures dd { margin: 0; font-size: 1.35rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.figures dd small { font-size: .85rem; font-weight: 400; color: var(--faint); }
:root { --line: #d0d7de; }
@media (prefers-color-scheme: dark) { :root { --line: #30363d; } }
@media (min-width: 64rem) {
  .columns { display: grid; grid-template-columns: minmax(0, 1fr) 25rem; gap: 0 2.5rem; align-items: start; }
}
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
caption { text-align: left; }
th, td { padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-top: 0; padding-top: 0; font-size: .85rem; font-weight: 400; color: var(--faint); }
tbody th { font-weight: 400; }
tbody tr:last-child > * { padding-bottom: 0; }
.number { width: 6.5rem; text-align: right; font-variant-numeric: tabular-nums; }
th.state { width: 42%; }
th.short { width: 6.5rem; }
.why td { padding-top: 0; border-top: 0; }
.where > * { display: block; }
.pair > * { display: block; }
@media (min-width: 40rem) {
  .pair { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 0 1rem; }
  .where { display: grid; grid-template-columns: 12.5rem minmax(0, 1fr); gap: 0 .5rem; align-items: baseline; }
  th.state { width: 32%; }
}
@media (min-width: 64rem) and (max-width: 84rem) { .where { display: block; } }
@media (max-width: 40rem) {
  h2 { font-size: 1.05rem; }
  .card { padding: .75rem; }
  .number { width: 4.25rem; }
  .card th.state { width: 32%; }
  .where code { font-size: .8rem; }
  .facts { display: block; }
  .facts dt { margin-top: .3rem; font-size: .85rem; }
}
main > :last-child { margin-top: 1.5rem; }
.card { margin: 0 0 1rem; border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.card > :first-child { margin-top: 0; }
.card > :last-child { margin-bottom: 0; }
.card h4 { display: flex; flex-wrap: wrap; gap: .15rem .6rem; align-items: baseline; }
.card h4 + * { margin-top: .6rem; }
.card h4 .end { margin-left: auto; font-weight: 400; font-variant-numeric: tabular-nums; }
.badge { display: inline-block; padding: 0 .55rem; font-size: .8rem; white-space: nowrap; }
.small { font-size: .85rem; }
.ends { display: flex; justify-content: space-between; gap: 1rem; font-size: .85rem; color: var(--faint); }
.ends > :last-child { text-align: right; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .9rem; margin: .6rem 0 0; }
.facts dt { color: var(--faint); }
.facts dd { margin: 0; }
.plain { margin: 0; padding: 0; list-style: none; }
summary { cursor: pointer; }
svg { display: block; width: 100%; overflow: visible; }
.timeline { height: 1rem; }
.timeline .track { fill: var(--unknown-ground); }
.timeline .soon { fill: color-mix(in srgb, var(--warn) 40%, var(--ground)); }
.timeline .very-soon { fill: color-mix(in srgb, var(--bad) 50%, var(--ground)); }
.timeline .gone { fill: var(--edge); }
.timeline .now, .key .now { fill: var(--text); }
.timeline .next, .key .next { fill: var(--link); stroke: var(--ground); stroke-width: 2px; }
.key { display: inline-block; width: .8rem; height: .8rem; margin-right: .3rem; vertical-align: -.1rem; }
.key .soon { fill: color-mix(in srgb, var(--warn) 40%, var(--ground)); }
.key .fine, .spark .fine { fill: var(--link); }
.key .refused, .spark .refused { fill: var(--edge); }
.key .failed, .spark .failed { fill: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: .3rem 0 0; font-size: .85rem; color: var(--faint); }
.spark { height: 4.5rem; border-bottom: 1px solid var(--edge); }
.share { width: 4.5rem; height: .55rem; margin-top: .45rem; }
.share rect { fill: var(--unknown-ground); }
.share .part { fill: var(--link); }
section table + .legend { margin-top: .6rem; }
.legend + table { margin-top: .9rem; }
.ends { margin: .2rem 0; }
`;
