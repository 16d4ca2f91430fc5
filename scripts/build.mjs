// `npm run build [-- FOLDER]`: src/ and the libraries that it uses to FOLDER, dist/ by default, from nothing. One file per
// part that is loaded on its own: the 740 modules of `serve` one by one take twice as long to start.
// `THIRD-PARTY-LICENSES.txt` has the licences of the libraries that went in, `sbom.cdx.json` is their bill of materials.
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'rolldown';
import { writeSbom } from './sbom.mjs';

const root = join(import.meta.dirname, '..');

/**
 * Node's own modules by `process.getBuiltinModule`: an `import` of one calls every getter that it has, and that of node:http
 * loads a whole HTTP client which nobody uses, a tenth of the start.
 */
const builtins = {
  name: 'builtins',
  resolveId: (id, _importer, { kind }) => {
    if (!id.startsWith('node:')) return null;
    // `require` calls no getters.
    return kind === 'import-statement' ? { id: `\0${id}`, moduleSideEffects: false } : { id, external: true };
  },
  load(id) {
    if (!id.startsWith('\0node:')) return null;
    const name = id.slice(1);
    const names = Object.keys(process.getBuiltinModule(name)).filter(
      (key) => key !== 'default' && /^[A-Za-z_$][\w$]*$/.test(key),
    );
    const picked = names.map((key) => `export const ${key} = /* @__PURE__ */ pick('${key}');`);
    return `const whole = process.getBuiltinModule('${name}');\nconst pick = (key) => whole[key];\nexport default whole;\n${picked.join('\n')}\n`;
  },
};
const folder = resolve(process.argv[2] ?? join(root, 'dist'));
const { output } = await build({
  cwd: root,
  input: 'src/main.ts',
  platform: 'node',
  plugins: [builtins],
  // pg asks for its native variant, which nobody installs, when it is told to.
  external: ['pg-native'],
  output: {
    dir: folder,
    cleanDir: true,
    format: 'esm',
    entryFileNames: 'main.js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    // Messages name functions and classes.
    keepNames: true,
  },
});
chmodSync(join(folder, 'main.js'), 0o755);
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');

const packages = new Set();
for (const chunk of output) {
  for (const id of chunk.type === 'chunk' ? chunk.moduleIds : []) {
    const found = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id);
    if (found !== null) packages.add(found[0]);
  }
}
const libraries = [...packages].sort().map((path) => {
  return { path, ...JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) };
});
writeSbom(root, folder, libraries);

const licences = libraries.map(({ path, name, version, license }) => {
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|notice|copying)(\.|-|$)/i.test(file));
  const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim());
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
});
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), `${licences.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
