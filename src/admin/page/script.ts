/**
 * The page's only script: every ten seconds it fetches the page and changes what differs, node by node, so that focus,
 * selection, scroll position and what is unfolded stay, and a screen reader hears of a new headline only. It says so when
 * there is no answer. Another release's page is loaded as a whole.
 */
export const SCRIPT = `
const [pause, patience] = [10000, 8000];
const release = (page) => page.querySelector('meta[name=generator]')?.content;
let last = new Date();
let timer;
function follow(now, then) {
  if (now.nodeType !== then.nodeType || now.nodeName !== then.nodeName) return now.replaceWith(document.importNode(then, true));
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.data !== then.data) now.data = then.data;
    return;
  }
  for (const { name } of [...now.attributes]) if (name !== 'open' && !then.hasAttribute(name)) now.removeAttribute(name);
  for (const { name, value } of then.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  const [old, fresh] = [[...now.childNodes], [...then.childNodes]];
  fresh.forEach((node, at) => (old[at] ? follow(old[at], node) : now.append(document.importNode(node, true))));
  for (const node of old.slice(fresh.length)) node.remove();
}
async function look() {
  clearTimeout(timer);
  try {
    const answer = await fetch(location.pathname, { cache: 'no-store', signal: AbortSignal.timeout(patience) });
    if (!answer.ok) throw new Error(answer.status);
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (release(next) !== release(document)) return location.reload();
    if (document.title !== next.title) document.title = next.title;
    follow(document.querySelector('main'), next.querySelector('main'));
    last = new Date();
  } catch {
    const stale = document.getElementById('stale');
    const since = last.toISOString().slice(11, 19);
    stale.textContent = 'The sidecar has not answered since ' + since + ' UTC. What stands below was so then.';
    stale.hidden = false;
  }
  timer = setTimeout(look, pause);
}
document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : look()));
if (!document.hidden) timer = setTimeout(look, pause);
`;
