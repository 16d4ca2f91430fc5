// The software bill of materials (CycloneDX), `sbom.cdx.json` in the folder of the build. `node scripts/sbom.mjs BUILD IMAGE`
// adds what the image has beside the build, as the Dockerfile does.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'sbom.cdx.json';
/** What `process.versions` has beside what is in the binary: Node itself, and numbers of its interfaces. */
const NO_PARTS = new Set(['node', 'modules', 'napi']);

/**
 * Writes the bill of the packages that went into the build in `folder`, each `{ name, version }`, as npm describes them:
 * purl, licence, hash, and what needs what. Throws for a package that npm's lockfile does not have in that version.
 */
export function writeSbom(root, folder, packages) {
  // Of all packages: with --omit dev, npm leaves out those that a tool for development needs as well (npm 11).
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
  const text = execFileSync('npm', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const { $schema, bomFormat, specVersion, version, metadata, components, dependencies } = JSON.parse(text);
  const known = new Map(components.map((component) => [component['bom-ref'], component]));
  const own = { ...metadata.component, name: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name };
  const shipped = packages.map(({ name, version }) => {
    const found = known.get(`${name}@${version}`);
    if (found === undefined)
      throw new Error(`${name} ${version} is in the build, and not in package-lock.json: run npm ci`);
    // npm's name for it may be an alias of ours.
    return { ...found, name };
  });
  const refs = new Set([own, ...shipped].map((component) => component['bom-ref']));
  const kept = dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  // Without npm's timestamp and random number: the same build has the same bill.
  const about = { lifecycles: [{ phase: 'build' }], tools: metadata.tools, component: own };
  const bill = { $schema, bomFormat, specVersion, version, metadata: about, components: shipped, dependencies: kept };
  write(folder, bill);
}

/** Adds this Node to the bill in `build`, and the libraries (of Debian's packages) below `image`. */
function addImage(build, image) {
  const bill = JSON.parse(readFileSync(join(build, FILE), 'utf8'));
  write(build, { ...bill, components: [...bill.components, describeNode(), ...listDebianPackages(image)] });
}

function describeNode() {
  const { node } = process.versions;
  const parts = Object.entries(process.versions).filter(([name, version]) => !NO_PARTS.has(name) && version !== '');
  return {
    'bom-ref': `node@${node}`,
    type: 'platform',
    name: 'node',
    version: node,
    purl: `pkg:generic/node@${node}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${node}:*:*:*:*:*:*:*`,
    licenses: [{ license: { id: 'MIT' } }],
    // Linked into its binary; their licences are in Node's own LICENSE.
    components: parts.map(([name, version]) => {
      const purl = `pkg:generic/${name}@${encodeURIComponent(version)}`;
      return { 'bom-ref': `node@${node}/${name}@${version}`, type: 'library', name, version, purl };
    }),
  };
}

function listDebianPackages(image) {
  const release = readFileSync('/etc/os-release', 'utf8');
  const distro = ['ID', 'VERSION_ID'].map((key) => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(release)[1]).join('-');
  const libraries = readdirSync(image, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.so(\.|$)/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(image.length));
  const packages = [...new Set(libraries.map(findDebianPackage))].sort();
  return packages.map((name) => {
    const fields = ['Package', 'Version', 'Architecture', 'source:Package'].map((field) => `\${${field}}`).join(' ');
    const [plain, version, arch, source] = run('dpkg-query', '-W', '-f', fields, name).split(' ');
    const purl = `pkg:deb/debian/${plain}@${encodeURIComponent(version)}?arch=${arch}&distro=${distro}`;
    const from = [{ name: 'debian:source', value: source }];
    return { 'bom-ref': purl, type: 'library', name: plain, version, purl, properties: from };
  });
}

/** dpkg knows a file by the path that its package has it at: with /usr or, from before /usr was merged, without. */
function findDebianPackage(path) {
  for (const known of [path, `/usr${path}`, path.replace(/^\/usr/, '')]) {
    if (!existsSync(known)) continue;
    try {
      return run('dpkg-query', '-S', known).split(/: /)[0];
    } catch {
      // The other path.
    }
  }
  throw new Error(`${path} is in the image, and of no Debian package`);
}

function run(program, ...words) {
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

function write(folder, bill) {
  writeFileSync(join(folder, FILE), `${JSON.stringify(bill, undefined, 2)}\n`);
}

if (import.meta.main) addImage(process.argv[2], process.argv[3]);
